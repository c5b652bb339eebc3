from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from brownout.portal import stack_map
from brownout.portal.units import band, figure
from monitoring.dashboards.overview import PARTS, overview
from monitoring.dashboards.prometheus import Prometheus

Answer = Callable[[httpx.Request], httpx.Response]


def look(answer: Answer) -> stack_map.StackMap:
    return stack_map.look("http://dashboards/", httpx.Client(transport=httpx.MockTransport(answer)))


def test_what_the_dashboards_answer_is_a_map() -> None:
    """Both sides of the interface at once: the platform's own answer, read as the portal reads it."""

    def prometheus(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/alerts"):
            return httpx.Response(200, json={"status": "success", "data": {"alerts": []}})
        result = [{"metric": {"component": "serving"}, "value": [1.0, "0"]}]
        return httpx.Response(200, json={"status": "success", "data": {"result": result}})

    asked = Prometheus("http://p", httpx.AsyncClient(transport=httpx.MockTransport(prometheus)))
    told = asyncio.run(overview(asked))
    found = look(lambda _: httpx.Response(200, json=told))

    assert [part.title for part in found.parts] == [part.title for part in PARTS]
    assert {part.id: part.state for part in found.parts}["serving"] == "bad"
    assert [len(part.facts) for part in found.parts] == [len(part.facts) for part in PARTS]
    assert "in trouble" in found.sentence


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


ENDLESS = {"label": "a", "value": 1e999}
PART = {"id": "serving", "title": "Serving", "state": "ok"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refused, "do not answer"),
        (lambda _: httpx.Response(503, json={"error": "x"}), "do not answer"),
        (lambda _: httpx.Response(200, text="hello"), "no map"),
        (lambda _: httpx.Response(200, json={"parts": [{**PART, "id": '"><script>'}]}), "no map"),
        (lambda _: httpx.Response(200, json={"parts": [PART] * 21}), "no map"),
        (lambda _: httpx.Response(200, json={"parts": [{**PART, "why": "x" * 161}]}), "no map"),
        (lambda _: httpx.Response(200, text=json.dumps({"parts": [{**PART, "facts": [ENDLESS]}]})), "no map"),
        (lambda _: httpx.Response(200, text=" " * (stack_map.MAX_BYTES + 1)), "too much"),
    ],
)  # fmt: skip
def test_nonsense_is_no_map_and_is_said(answer: Answer, says: str) -> None:
    found = look(answer)

    assert found.parts == ()
    assert says in found.sentence


@pytest.mark.parametrize(
    ("value", "place"), [(0.0, 20.0), (100.0, 80.0), (50.0, 50.0), (-1e9, 3.0), (1e9, 97.0), (None, 50.0)]
)
def test_the_healthy_band_takes_the_middle(value: float | None, place: float) -> None:
    assert stack_map.MapFact(label="a", value=value, usual=(0, 100)).place == place


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("ratio", 0.123, "12.3 %"),
        ("seconds", 0.477, "477 ms"),
        ("seconds", 0, "0 s"),
        ("seconds", 9000, "2.5 h"),
        ("seconds", -600, "−10 min"),
        ("dollars", 391.3, "$391"),
        ("version", 3, "v3"),
        ("number", 1_234_567, "1,230,000"),
        ("anything", 0.5, "0.5"),
        ("seconds", None, "–"),
    ],
)
def test_figures(unit: str, value: float | None, text: str) -> None:
    assert figure(unit, value) == text


def test_bands() -> None:
    assert band("seconds", (0, 1200)) == "0 s to 20 min"
    assert band("number", (0, 0)) == "0"
    assert band("number", None) == ""
