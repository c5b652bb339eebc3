"""What the page asks Prometheus, and the shapes that it answers with."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Any

import httpx

from monitoring.alerts import alert
from monitoring.panels import Panel, Query
from ontime.errors import OntimeError

TIMEOUT = httpx.Timeout(4.0, connect=1.0)
MAX_POINTS = 240
MIN_STEP_SECONDS = 5
WORLD = "max(ontime_world_timestamp_seconds)"


class PrometheusError(OntimeError):
    """Prometheus did not answer, or refused a query."""


@dataclass(frozen=True, slots=True)
class Range:
    """Wall time; both ends lie on multiples of the step, so that points stay where they are between refreshes."""

    start: float
    end: float
    step: float

    @classmethod
    def ending_now(cls, minutes: float) -> Range:
        span = minutes * 60
        step = max(MIN_STEP_SECONDS, -(-span // MAX_POINTS // MIN_STEP_SECONDS) * MIN_STEP_SECONDS)
        end = time.time() // step * step
        return cls(end - span // step * step, end, step)

    @property
    def times(self) -> list[float]:
        return [self.start + index * self.step for index in range(int((self.end - self.start) / self.step) + 1)]


def _number(text: str) -> float | None:
    value = float(text)
    return value if value == value and abs(value) != float("inf") else None


def _legend(query: Query, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], "?"), query.legend)


class Prometheus:
    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, path: str, **query: str | float) -> Any:
        try:
            response = await self._client.get(f"{self._url}{path}", params=query)
            body = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise PrometheusError(f"Prometheus does not answer ({type(error).__name__}).") from error
        if body.get("status") != "success":
            raise PrometheusError(f"Prometheus refused a query: {body.get('error', 'no reason given')}")
        return body["data"]

    async def ready(self) -> bool:
        try:
            return (await self._client.get(f"{self._url}/-/ready")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def value(self, expr: str) -> float | None:
        """The first value of an instant query; None when there is none."""
        result = (await self._get("/api/v1/query", query=expr))["result"]
        return _number(result[0]["value"][1]) if result else None

    async def values(self, expr: str, label: str) -> dict[str, float]:
        """An instant query's values by one label."""
        result = (await self._get("/api/v1/query", query=expr))["result"]
        found = {one["metric"].get(label, ""): _number(one["value"][1]) for one in result}
        return {key: value for key, value in found.items() if value is not None}

    async def alerts(self) -> list[dict[str, Any]]:
        """Pending and firing alerts, as Prometheus tells them."""
        found: list[dict[str, Any]] = (await self._get("/api/v1/alerts"))["alerts"]
        return found

    async def _matrix(self, expr: str, span: Range) -> list[dict[str, Any]]:
        data = await self._get("/api/v1/query_range", query=expr, start=span.start, end=span.end, step=span.step)
        found: list[dict[str, Any]] = data["result"]
        return found

    async def world(self, span: Range) -> list[float | None]:
        """World time at each point; None where it was not recorded."""
        result = await self._matrix(WORLD, span)
        return _aligned(result[0]["values"], span) if result else [None] * len(span.times)

    async def panel(self, panel: Panel, span: Range) -> dict[str, Any]:
        """A panel's series on the range's points, its thresholds, and when its alerts fired."""
        asked = [self._matrix(query.expr, span) for query in panel.queries]
        world, fired, *answers = await asyncio.gather(self.world(span), self._fired(panel, span), *asked)
        series = [
            {"label": _legend(query, one["metric"]), "values": _aligned(one["values"], span)}
            for query, answer in zip(panel.queries, answers, strict=True)
            for one in sorted(answer, key=lambda found: sorted(found["metric"].items()))
        ]
        return {"times": span.times, "world": world, "series": series, "fired": fired}

    async def _fired(self, panel: Panel, span: Range) -> list[dict[str, Any]]:
        """Spans of wall time in which the panel's alerts were firing."""
        if not panel.alerts:
            return []
        names = "|".join(panel.alerts)
        result = await self._matrix(f'max by (alertname) (ALERTS{{alertstate="firing",alertname=~"{names}"}})', span)
        return [
            {"alert": one["metric"]["alertname"], "severity": alert(one["metric"]["alertname"]).severity, **piece}
            for one in result
            for piece in _pieces(_aligned(one["values"], span), span)
        ]


def _aligned(values: list[list[Any]], span: Range) -> list[float | None]:
    known = {round((float(moment) - span.start) / span.step): _number(text) for moment, text in values}
    return [known.get(index) for index in range(len(span.times))]


def _pieces(values: list[float | None], span: Range) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    for index, value in enumerate(values):
        moment = span.start + index * span.step
        if value is None:
            continue
        if found and moment - found[-1]["end"] <= span.step * 1.5:
            found[-1]["end"] = moment
        else:
            found.append({"start": moment, "end": moment})
    return found
