from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.probes import ProbeView, Reference, RolloutUnnoticed
from brownout.settings import Harness
from brownout.world.record import Answer, Record
from ontime.errors import RuntimeStateError
from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment

PROBE = RolloutUnnoticed()


class Cluster:
    """Pods with the moments at which they were made, and what the world asked."""

    def __init__(self, record: Path) -> None:
        self.pods: list[dict[str, Any]] = []
        self.record = Record(record)

    def pod(self, name: str, made: float, ending: bool = False, ready: bool = True) -> None:
        stamp = datetime.fromtimestamp(int(made), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        gone = {"deletionTimestamp": stamp} if ending else {}
        status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
        about = {"name": name, "creationTimestamp": stamp, **gone}
        self.pods.append({"metadata": about, "status": status})

    def asked(self, since: float, good: int, failed: int, latency_ms: float = 5.0) -> None:
        """One request every half second, each about two flights; those that fail come first."""
        for number in range(good + failed):
            code = 200 if number >= failed else 0
            error = None if code else "ConnectError: refused"
            for flight in range(2):
                row = Answer(
                    f"r{since}-{number}", f"f{flight}", 0.0, since + number / 2, latency_ms, code, 2, 60.0, error=error
                )
                self.record.answered([row])


@pytest.fixture
def view(tmp_path: Path) -> ProbeView:
    here = Environment(state=tmp_path, runtime="kind")
    return ProbeView(here, Harness(state=tmp_path), Reference("1", tmp_path))


@pytest.fixture
def cluster(view: ProbeView, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    view.harness.record.parent.mkdir(parents=True)
    made = Cluster(view.harness.record)
    monkeypatch.setattr(Kubectl, "get", lambda *_: {"items": made.pods})
    return made


@pytest.mark.parametrize(("failed", "status"), [(0, "ok"), (2, "ok"), (3, "broken"), (10, "broken")])
def test_what_failed_while_the_newest_pod_took_over_decides(
    view: ProbeView, cluster: Cluster, failed: int, status: str
) -> None:
    began = int(time.time()) - 100
    cluster.pod("serving-old", began - 900)
    cluster.pod("serving-new", began)
    cluster.asked(began - 60, 0, 100)
    cluster.asked(began, 80 - failed, failed)

    found = PROBE.run(view)

    assert found.status == status
    assert found.measured["lost_share"] == pytest.approx(failed / 80)
    assert "serving-new" in found.why


@pytest.mark.parametrize(("latency_ms", "status"), [(800.0, "ok"), (4_000.0, "broken")])
def test_what_is_answered_when_nobody_waits_any_more_is_lost(
    view: ProbeView, cluster: Cluster, latency_ms: float, status: str
) -> None:
    """The server listens while its worker still loads: nothing is refused then, and nobody is served."""
    began = int(time.time()) - 100
    cluster.pod("serving-new", began)
    cluster.asked(began, 8, 0, latency_ms)
    cluster.asked(began + 4.1, 80, 0)

    found = PROBE.run(view)

    assert found.status == status
    assert ("8 of 88 requests were lost" in found.why) == (status == "broken")
    assert ("last with an answer after 4.0 s" in found.why) == (status == "broken")


def test_of_few_requests_one_or_two_may_fail(view: ProbeView, cluster: Cluster) -> None:
    began = int(time.time()) - 100
    cluster.pod("serving-new", began)
    cluster.asked(began, 20, 2)

    assert PROBE.run(view).status == "ok"


def test_a_verdict_stands_until_there_is_another_pod(view: ProbeView, cluster: Cluster) -> None:
    began = int(time.time()) - 1000
    cluster.pod("serving-new", began)
    cluster.asked(began, 60, 20)
    cluster.asked(began + 100, 500, 0)

    assert PROBE.run(view).status == "broken"


def test_a_pod_that_never_gets_ready_has_not_taken_over(view: ProbeView, cluster: Cluster) -> None:
    """Else whoever lets every new pod fail, so that the old one stays, would have repaired it."""
    began = int(time.time()) - 300
    cluster.pod("serving-old", began)
    cluster.pod("serving-stuck", began + 100, ready=False)
    cluster.asked(began + 100, 80, 0)

    assert PROBE.run(view).status == "unknown"


def test_a_pod_that_goes_is_not_the_one_that_came(view: ProbeView, cluster: Cluster) -> None:
    began = int(time.time()) - 300
    cluster.pod("serving-good", began)
    cluster.pod("serving-failed", began + 100, ending=True)
    cluster.asked(began, 80, 0)
    cluster.asked(began + 100, 40, 40)

    assert PROBE.run(view).status == "ok"


def test_what_fails_is_told_at_once_and_what_does_not_only_at_the_end(view: ProbeView, cluster: Cluster) -> None:
    began = int(time.time()) - 25
    cluster.pod("serving-new", began)
    cluster.asked(began, 30, 0)
    assert PROBE.run(view).status == "unknown"
    cluster.asked(began + 15.1, 0, 15)

    assert PROBE.run(view).status == "broken"


def test_what_nobody_asked_for_is_not_judged(view: ProbeView, cluster: Cluster) -> None:
    cluster.pod("serving-new", time.time() - 100)

    assert PROBE.run(view).status == "unknown"


@pytest.mark.parametrize(("asks", "age", "replaced"), [(80, 100, True), (3, 100, False), (80, 20, False)])
def test_a_pod_that_nobody_saw_take_over_is_replaced_while_there_is_traffic(
    view: ProbeView, cluster: Cluster, asks: int, age: int, replaced: bool
) -> None:
    """Neither while nobody asks, nor when it was made just now."""
    told: list[tuple[str, ...]] = []
    platform: Any = SimpleNamespace(ontime=lambda *arguments, check: told.append(arguments))
    began = int(time.time()) - age
    cluster.pod("serving-new", began)
    cluster.asked(time.time() - 41 if age > 50 else began - 40, asks, 0)

    found = PROBE.run(dataclasses.replace(view, platform=platform))

    assert found.status == "unknown"
    assert told == ([("restart", "serving")] if replaced else [])


def test_no_pod_and_no_cluster_are_unknown(
    view: ProbeView, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert PROBE.run(view).status == "unknown"

    def refused(*_: Any) -> Any:
        raise RuntimeStateError("the API server does not answer")

    monkeypatch.setattr(Kubectl, "get", refused)
    assert "does not answer" in PROBE.run(view).why
    here = ProbeView(Environment(state=tmp_path), Harness(state=tmp_path), Reference("1", tmp_path))
    assert PROBE.run(here).status == "unknown"
