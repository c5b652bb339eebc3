"""Requests in a component's own counters: the dashboards' questions, and what Prometheus's pages alone ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from brownout.evidence.seen import Seen
from brownout.http import client

TIMEOUT = httpx.Timeout(2.0, connect=0.5)
PAGES = re.compile(
    r"^/$|^/(graph|alerts|rules|targets|status|tsdb-status|flags|config|service-discovery|static|classic|new|consoles)\b"
    r"|^/api/v1/(label|labels|metadata|series|rules|targets|status|query_exemplars|parse_query|format_query)\b"
)
"""Handlers of Prometheus's own pages; queries and alerts are what the dashboards ask for too."""


class Counters:
    """Rises of one metric's samples; one that falls was restarted and begins anew."""

    def __init__(self, url: str, sample: str, label: str, pattern: re.Pattern[str], source: str, what: str) -> None:
        self._url = f"{url}/metrics"
        self._sample = sample
        self._label = label
        self._pattern = pattern
        self._source = source
        self._what = what
        self._known: float | None = None

    def look(self) -> Iterable[Seen]:
        now = self._read()
        if now is None:
            return ()
        before, self._known = self._known, now
        if before is None or now == before:
            return ()
        return (Seen(self._source, self._what, round(now - before if now > before else now) or 1),)

    def stop(self) -> None:
        """Nothing is held."""

    def _read(self) -> float | None:
        """The samples' sum, or None when the component does not answer."""
        try:
            answer = client().get(self._url, timeout=TIMEOUT)
            answer.raise_for_status()
            mine = [line for line in answer.text.splitlines() if line.startswith(self._sample)]
            families = list(text_string_to_metric_families("\n".join(mine)))
        except (httpx.HTTPError, ValueError):
            return None
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == self._sample and self._pattern.search(sample.labels.get(self._label, ""))
        )


PANELS = re.compile("^panel$")
"""The map is asked for by the portal as well, whether anybody looks or not."""


def dashboards(url: str) -> Counters:
    return Counters(
        url, "ontime_dashboards_query_seconds_count", "what", PANELS, "dashboards", "its figures were asked for"
    )


def prometheus(url: str) -> Counters:
    return Counters(url, "prometheus_http_requests_total", "handler", PAGES, "prometheus", "its pages were opened")
