"""The dashboards page, in front of a Prometheus that answers what the test says, or nothing."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from monitoring.alerts import alerts
from monitoring.dashboards.app import OWN_POLICY, application
from monitoring.dashboards.overview import PARTS, judge
from monitoring.dashboards.prometheus import Prometheus, Range
from monitoring.panels import PANELS
from ontime.settings import Environment

Answer = Callable[[httpx.Request], httpx.Response]
NOTICE = {
    "version": "4",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "FreshFeaturesOld", "severity": "page", "view": "origin_fresh"},
            "annotations": {"summary": "origin_fresh is <b>2 h</b> old when it is read."},
            "startsAt": "2026-11-21T08:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
    ],
}


def vector(*values: tuple[dict[str, str], float]) -> httpx.Response:
    result = [{"metric": labels, "value": [1.0, str(value)]} for labels, value in values]
    return httpx.Response(200, json={"status": "success", "data": {"result": result}})


def healthy(request: httpx.Request) -> httpx.Response:
    """Every component up, one alert firing, a line of ones for whatever is asked over a range."""
    if request.url.path.endswith("/alerts"):
        firing = {"labels": {"alertname": "FreshFeaturesOld"}, "state": "firing", "activeAt": "2026-11-21T08:00:00Z"}
        firing["annotations"] = {"summary": "old", "description": "older"}
        return httpx.Response(200, json={"status": "success", "data": {"alerts": [firing]}})
    query = request.url.params["query"]
    if request.url.path.endswith("/query_range"):
        start, end, step = (float(request.url.params[name]) for name in ("start", "end", "step"))
        values = [[start + i * step, "1"] for i in range(int((end - start) / step) + 1)]
        labels = {"view": "origin_fresh", "alertname": "FreshFeaturesOld"}
        body = {"status": "success", "data": {"result": [{"metric": labels, "values": values}]}}
        return httpx.Response(200, json=body)
    if "component_up" in query:
        return vector(*(({"component": name}, 1.0) for part in PARTS for name in part.components))
    return vector(({}, 0.0))


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


class Client:
    """Asks the application in process, one event loop a question."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as asked:
                return await asked.request(method, path, **rest)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path)

    def post(self, path: str, **rest: Any) -> httpx.Response:
        return self._ask("POST", path, **rest)


def client(answer: Answer, state: Path = Path("/nowhere")) -> Client:
    prometheus = Prometheus("http://prometheus", httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    return Client(application(Environment(state=state), prometheus))


@pytest.mark.parametrize("path", ["/", "/alerts", "/runbooks/", "/runbooks/FreshFeaturesOld", "/reports/"])
@pytest.mark.parametrize("answer", [healthy, silent])
def test_pages_stand_with_and_without_prometheus(path: str, answer: Answer) -> None:
    response = client(answer).get(path)

    assert response.status_code == 200
    assert response.headers["content-security-policy"] == OWN_POLICY


@pytest.mark.parametrize("path", ["/", "/alerts", "/runbooks/", "/runbooks/FreshFeaturesOld", "/reports/"])
def test_own_links_are_relative_and_nothing_is_inline(path: str) -> None:
    page = client(healthy).get(path).text
    links = re.findall(r'(?:href|src)="([^"]*)"', page)

    assert [link for link in links if link.startswith("/")] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r'\sstyle="|\son\w+="', page) == []


@pytest.mark.parametrize(
    ("path", "root"), [("/", "./"), ("/alerts", "./"), ("/runbooks/", "../"), ("/runbooks/NoTraffic", "../")]
)
def test_root_leads_home_from_everywhere(path: str, root: str) -> None:
    assert f'data-root="{root}"' in client(healthy).get(path).text


def test_every_alert_s_runbook_is_served() -> None:
    asked = client(healthy)

    assert {name: asked.get(f"/runbooks/{name}").status_code for name in alerts()} == dict.fromkeys(alerts(), 200)
    assert asked.get("/runbooks/Nothing").status_code == 404


def test_runbook_links_lead_somewhere() -> None:
    asked = client(healthy)
    home = asked.get("/").text
    for name in alerts():
        body = asked.get(f"/runbooks/{name}").text
        for target in re.findall(r'href="\.\./#([\w-]+)"', body):
            assert f'id="{target}"' in home, f"{name}: #{target}"
        for target in re.findall(r'<a href="(\w+)"', body):
            assert target in alerts(), f"{name}: {target}"


def test_panel_answers_aligned_series() -> None:
    answer = client(healthy).get("/api/panels/fresh_ages?minutes=15").json()

    assert len(answer["times"]) == len(answer["world"]) == len(answer["series"][0]["values"])
    assert answer["series"][0]["label"] == "origin_fresh"
    assert answer["fired"][0]["severity"] == "page"


@pytest.mark.parametrize(
    ("path", "status"),
    [("nothing", 404), ("fresh_ages?minutes=x", 422), ("fresh_ages?minutes=0", 422), ("fresh_ages?minutes=1e9", 422)],
)
def test_only_the_panels_queries_can_be_asked(path: str, status: int) -> None:
    response = client(healthy).get(f"/api/panels/{path}")

    assert response.status_code == status
    assert response.json()["error"]


def test_an_unknown_panel_is_answered_with_near_ones() -> None:
    assert "fresh_ages" in client(healthy).get("/api/panels/fresh_age").json()["error"]


@pytest.mark.parametrize("path", ["/api/overview", "/api/panels/fresh_ages"])
def test_a_silent_prometheus_is_said(path: str) -> None:
    response = client(silent).get(path)

    assert response.status_code == 503
    assert "does not answer" in response.json()["error"]


def test_overview_names_the_part_that_an_alert_speaks_of() -> None:
    parts = {part["id"]: part for part in client(healthy).get("/api/overview").json()["parts"]}

    assert parts["online_store"]["state"] == "bad"
    assert parts["online_store"]["alerts"] == ["FreshFeaturesOld"]
    assert parts["mlflow"]["state"] == "ok"


@pytest.mark.parametrize(
    ("values", "up", "firing", "state"),
    [
        ([0.001, 600.0], {"ingest": 1.0}, set(), "ok"),
        ([0.001, 600.0], {"ingest": 0.0}, set(), "bad"),
        ([0.001, 600.0], {"ingest": 1.0}, {"EventsRejectedHigh"}, "bad"),
        ([0.5, 600.0], {"ingest": 1.0}, set(), "warn"),
        ([None, None], {}, set(), "unknown"),
        ([0.001, 600.0], {"ingest": 1.0}, {"RegistryDown"}, "ok"),
    ],
)
def test_judge(values: list[float | None], up: dict[str, float], firing: set[str], state: str) -> None:
    ingest = next(part for part in PARTS if part.id == "ingest")

    assert judge(ingest, values, up, firing)[0] == state


def test_map_points_at_what_exists() -> None:
    ids = {part.id for part in PARTS}

    assert {target for part in PARTS for target in part.feeds} - ids == set()
    assert {fact.panel for part in PARTS for fact in part.facts if fact.panel} - set(PANELS) == set()
    assert {name for part in PARTS for name in part.alerts} - set(alerts()) == set()


def test_inbox_keeps_what_alertmanager_sends_and_escapes_it() -> None:
    asked = client(healthy)
    kept = asked.post("/alerts", json=NOTICE)
    page = asked.get("/alerts").text

    assert kept.status_code == 200
    assert "origin_fresh is &lt;b&gt;2 h&lt;/b&gt; old" in page


@pytest.mark.parametrize(("body", "status"), [(b"{", 422), (b'{"alerts": 3}', 422), (b" " * 1_000_001, 413)])
def test_inbox_refuses_what_is_no_notification(body: bytes, status: int) -> None:
    assert client(healthy).post("/alerts", content=body).status_code == status


def test_reports_are_listed_and_sandboxed(tmp_path: Path) -> None:
    directory = tmp_path / "reports" / "2013-05-06T090000"
    directory.mkdir(parents=True)
    summary: dict[str, Any] = {
        "world_to": "2013-05-06T09:00:00+00:00",
        "rows": 900,
        "drift_share": 0.25,
        "features": {},
    }
    (directory / "summary.json").write_text(json.dumps(summary))
    (directory / "report.html").write_text("<p>drift</p>")
    (tmp_path / "secret.html").write_text("secret")
    asked = client(healthy, tmp_path)

    report = asked.get("/reports/2013-05-06T090000/report.html")

    assert "25 %" in asked.get("/reports/").text
    assert report.text == "<p>drift</p>"
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert asked.get("/reports/%2e%2e/secret.html").status_code == 404
    assert asked.get("/reports/2013-05-06T090000/summary.json").status_code == 404


def test_range_points_stay_where_they_are() -> None:
    span = Range.ending_now(180)

    assert span.end % span.step == 0
    assert 180 <= len(span.times) <= 241
    assert span.times[-1] == span.end
