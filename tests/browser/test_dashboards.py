"""The dashboards page in a browser: with a past and without one, lit and dark, narrow, by keyboard, behind a prefix."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from monitoring.dashboards.app import application
from monitoring.dashboards.overview import PARTS
from monitoring.dashboards.prometheus import WORLD, Prometheus
from monitoring.panels import PANELS
from ontime.settings import Environment
from tests.browser.looking import Server, accessibility, fits, page_of, serving

pytestmark = pytest.mark.browser
FIRING_SECONDS = 600


def answer(data: Any) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data})


def with_a_past(request: httpx.Request) -> httpx.Response:
    """Waves for every panel; batch latency above its threshold, and its alert firing, for ten minutes."""
    now = time.time()
    if request.url.path.endswith("/alerts"):
        notes = {"summary": "Slow <b>boards</b>.", "description": "p99 is 0.9 s."}
        firing = {"labels": {"alertname": "BatchLatencyHigh", "severity": "page"}, "state": "firing"}
        return answer({"alerts": [{**firing, "activeAt": "2026-11-21T08:00:00Z", "annotations": notes}]})
    query = request.url.params["query"]
    if not request.url.path.endswith("/query_range"):
        if "component_up" in query:
            names = [name for part in PARTS for name in part.components]
            return answer({"result": [{"metric": {"component": name}, "value": [now, "1"]} for name in names]})
        return answer({"result": [{"metric": {}, "value": [now, "0.05"]}]})
    start, end, step = (float(request.url.params[name]) for name in ("start", "end", "step"))
    moments = [start + i * step for i in range(int((end - start) / step) + 1)]
    late = [moment for moment in moments if moment > end - FIRING_SECONDS]
    if query.startswith(WORLD):
        series = [({}, [(m, 1_367_860_000 + (m - end) * 120) for m in moments])]
    elif "ALERTS" in query:
        wanted = "BatchLatencyHigh" in query or 'alertname=~"' not in query
        value = 0 if query.startswith("max by (alertname) (1 -") else 1
        series = [({"alertname": "BatchLatencyHigh"}, [(m, value) for m in late])] if wanted else []
    else:
        names = ("one",) if 'size="' in query else ("one", "two")
        labels = ("component", "view", "size", "kind", "model", "feature", "collector")
        series = [
            (dict.fromkeys(labels, name), [(m, 0.02 + 0.015 * math.sin(m / 300 + n) + (m in late)) for m in moments])
            for n, name in enumerate(names)
        ]
    return answer({"result": [{"metric": m, "values": [[w, str(v)] for w, v in values]} for m, values in series]})


def with_an_empty_one(request: httpx.Request) -> httpx.Response:
    return answer({"alerts": []} if request.url.path.endswith("/alerts") else {"result": []})


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def app(reply: Any, state: Path) -> Starlette:
    prometheus = Prometheus("http://p", httpx.AsyncClient(transport=httpx.MockTransport(reply)))
    place = Environment(state=state, prometheus_url="http://127.0.0.1:9/prometheus")
    return Starlette(routes=[Mount("/", application(place, prometheus))])


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(app(with_a_past, tmp_path_factory.mktemp("state"))) as server:
        yield server


def settled(page: Page) -> None:
    expect(page.locator("#verdict")).not_to_have_text("Asking Prometheus …")
    page.evaluate(THROUGH)


THROUGH = """async () => {
  for (const panel of document.querySelectorAll('.panel')) {
    panel.scrollIntoView({ behavior: 'instant' });
    await new Promise(requestAnimationFrame);
  }
  scrollTo(0, 0);
}"""


@pytest.mark.parametrize(("size", "theme"), [("wide", "light"), ("narrow", "dark")])
def test_a_past_is_drawn_readable_and_fits(chrome: Browser, lively: Server, size: str, theme: str) -> None:
    with page_of(chrome, size, theme) as page:
        page.goto(lively.url)
        settled(page)
        expect(page.locator(".panel canvas")).to_have_count(sum(panel.kind == "lines" for panel in PANELS.values()))
        latency = page.locator("#panel-latency_batch")
        expect(latency.locator(".drawn")).to_contain_text(re.compile(r"page at .+ms"))
        expect(latency.locator(".drawn")).to_contain_text("BatchLatencyHigh fires since")
        expect(page.locator("#verdict")).to_contain_text("1 alert firing")

        assert accessibility(page) == []
        assert fits(page)
        assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("reply", "says"), [(with_an_empty_one, "Nothing recorded"), (silent, "does not answer")])
def test_an_empty_past_and_none_at_all_are_said(chrome: Browser, tmp_path: Path, reply: Any, says: str) -> None:
    with serving(app(reply, tmp_path)) as server, page_of(chrome) as page:
        page.goto(server.url)
        settled(page)
        expect(page.locator("#panel-latency_batch .note")).to_contain_text(says)

        assert fits(page)
        if reply is with_an_empty_one:
            assert accessibility(page) == []


@pytest.mark.parametrize("path", ["alerts", "runbooks/", "runbooks/BatchLatencyHigh", "reports/"])
def test_other_pages_are_readable_and_fit(chrome: Browser, lively: Server, path: str) -> None:
    with page_of(chrome, "narrow", "dark") as page:
        page.goto(f"{lively.url}/{path}")

        assert fits(page)
        assert accessibility(page) == []
        assert page.complaints == []  # type: ignore[attr-defined]


def test_a_table_stands_behind_each_plot(chrome: Browser, lively: Server) -> None:
    with page_of(chrome) as page:
        page.goto(lively.url)
        settled(page)
        panel = page.locator("#panel-latency_batch")
        panel.get_by_text("As a table").focus()
        page.keyboard.press("Enter")
        expect(panel.locator("tbody tr").first).to_contain_text("BatchLatencyHigh")

        assert panel.locator("thead th").all_text_contents() == ["World", "Wall", "p50", "p99", "Firing"]
        assert 10 <= panel.locator("tbody tr").count() <= 26


def test_range_and_query_go_together_and_are_kept(chrome: Browser, lively: Server) -> None:
    with page_of(chrome) as page:
        page.goto(lively.url)
        with page.expect_response(re.compile("minutes=15")):
            page.get_by_label("Range").select_option("15")
        page.reload()
        link = page.locator("#panel-latency_batch a[data-query]")

        assert page.get_by_label("Range").input_value() == "15"
        assert link.get_attribute("href").startswith("http://127.0.0.1:9/prometheus/graph?")  # type: ignore[union-attr]
        assert "range_input=15m" in str(link.get_attribute("href"))
        page.locator("#panel-latency_batch .runbook").click()
        expect(page.locator("h1")).to_have_text("BatchLatencyHigh")


def test_behind_a_prefix_the_other_pages_are_siblings(chrome: Browser, lively: Server) -> None:
    with page_of(chrome, extra_http_headers={"X-Forwarded-Prefix": "/dashboards"}) as page:
        page.goto(f"{lively.url}/runbooks/BatchLatencyHigh")

        assert page.locator("nav a", has_text="MLflow").evaluate("link => link.href") == f"{lively.url}/mlflow/"
