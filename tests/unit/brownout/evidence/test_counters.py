"""Rises of a component's own counters."""

from __future__ import annotations

import httpx
import pytest

from brownout.evidence import counters
from brownout.evidence.seen import Seen

PROMETHEUS = """# TYPE prometheus_http_requests_total counter
prometheus_http_requests_total{{code="200",handler="/metrics"}} {own}
prometheus_http_requests_total{{code="200",handler="/api/v1/query"}} {own}
prometheus_http_requests_total{{code="200",handler="/-/ready"}} {own}
prometheus_http_requests_total{{code="200",handler="/graph"}} {pages}
prometheus_http_requests_total{{code="200",handler="/api/v1/label/:name/values"}} {pages}
"""
DASHBOARDS = """# TYPE ontime_dashboards_query_seconds histogram
ontime_dashboards_query_seconds_bucket{{what="panel",le="+Inf"}} {count}
ontime_dashboards_query_seconds_count{{what="panel"}} {count}
ontime_dashboards_query_seconds_count{{what="overview"}} 900
ontime_dashboards_query_seconds_sum{{what="panel"}} 0.5
"""


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `/metrics` says next; none left is a component that is down."""
    texts: list[str] = []

    def get(request: httpx.Request) -> httpx.Response:
        if not texts:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, text=texts.pop(0))

    asked = httpx.Client(transport=httpx.MockTransport(get))
    monkeypatch.setattr(counters, "client", lambda: asked)
    return texts


def test_pages_count_and_the_stacks_own_questions_do_not(page: list[str]) -> None:
    noticer = counters.prometheus("http://127.0.0.1:9")
    page += [PROMETHEUS.format(own=own, pages=pages) for own, pages in ((5, 2), (90, 2), (95, 3))]

    assert [list(noticer.look()) for _ in range(3)] == [[], [], [Seen("prometheus", "its pages were opened", 2)]]


def test_a_restart_begins_anew(page: list[str]) -> None:
    noticer = counters.dashboards("http://127.0.0.1:9")
    page += [DASHBOARDS.format(count=count) for count in (40, 3)]
    found = [list(noticer.look()) for _ in range(3)]

    assert found == [[], [Seen("dashboards", "its figures were asked for", 3)], []]
