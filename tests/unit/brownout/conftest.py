"""An interview written by hand: what tests tell a ledger, at moments that they choose."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from schemathesis.python import asgi

from brownout import entries as e
from brownout import findings
from brownout.facts import Facts
from brownout.interview import Interview
from brownout.ledger import Ledger
from brownout.settings import Harness

# Whatever stack the shell around the tests is set up for, they see the defaults.
for name in [name for name in os.environ if name.startswith("BROWNOUT_")]:
    del os.environ[name]

BEGIN = 1_795_000_000.0
WORLD = 1_367_838_000.0
STALE = e.FaultRecord(
    fault="stuck",
    layer="features",
    title="Fresh features stand still",
    symptom_probes=("FreshAge",),
    root_cause_probes=("ServedScorePath",),
    answers=(
        e.AnswerKey(component="ingest", failure_class="stale_data", verdict="confirmed"),
        e.AnswerKey(component="feature_repo", failure_class="stale_data", verdict="partial"),
    ),
    hints=("Look at the ages.", "Compare two views.", "It is the watermark."),
)
SLOW = e.FaultRecord(
    fault="slow",
    layer="serving",
    title="The model is too large",
    symptom_probes=("ClientLatency",),
    root_cause_probes=("ModelCost", "GateRefuses"),
    answers=(e.AnswerKey(component="registry", failure_class="bad_promotion", verdict="confirmed"),),
    hints=("Look at latency.",),
)

CONTROL = e.FaultRecord(
    fault="well",
    layer="control",
    title="Nothing is broken",
    symptom_probes=("AlertFiring",),
    root_cause_probes=(),
    guard_probes=("ServedScorePath", "AlertsHeard"),
    answers=(e.AnswerKey(component="none", failure_class="nothing_is_broken", verdict="confirmed"),),
    hints=("Look at the alert.",),
)


class Story:
    """Adds entries at seconds after `BEGIN`; world time runs 120 times as fast."""

    def __init__(self, harness: Harness, faults: tuple[e.FaultRecord, ...] = (STALE,), **created: Any) -> None:
        self.harness = harness
        self.faults = faults
        self.id = str(created.get("interview", "20261121-story"))
        self.folder = harness.interviews / self.id
        self.folder.mkdir(parents=True)
        self.ledger = Ledger.create(self.folder / "ledger.db")
        (harness.interviews / "current").write_text(self.id)
        values: dict[str, Any] = {
            "interview": self.id,
            "scenario": "junior-01",
            "title": "Something went stale",
            "level": "junior",
            "seed": 7,
            "candidate": "kestrel",
            "ai_policy": "none",
            "baseline": "may",
            "time_box_minutes": 45,
            "faults": faults,
        }
        self.add(0, e.Created(**{**values, **created}), "harness")

    def add(self, second: float, payload: e.Payload, actor: e.Actor = "proctor") -> Story:
        self.ledger.append(actor, payload, world=WORLD + second * 120, wall=BEGIN + second)
        return self

    def prepared(self, ready: float = 100) -> Story:
        for fault in self.faults:
            self.add(10, e.Injected(fault=fault.fault, what="it was put in"), "harness")
            for probe in (*fault.symptom_probes, *fault.root_cause_probes):
                self.probe(50, probe, "broken", fault=fault.fault)
            for probe in fault.guard_probes:
                self.probe(50, probe, "ok", fault=fault.fault)
            observed = e.SymptomObserved(fault=fault.fault, probe=fault.symptom_probes[0], why="it shows")
            self.add(60, observed)
        self.add(70, e.Frozen(frozen_wall=BEGIN + 70, frozen_world=WORLD + 8400), "harness")
        brief = "Scores look odd."
        return self.add(ready, e.Ready(seconds=ready, brief=brief, onset_wall=BEGIN + 10, onset_world=WORLD), "harness")

    def started(self, at: float = 200) -> Story:
        self.prepared().add(at - 1, e.Released(frozen_seconds=at - 71), "harness")
        return self.add(at, e.Started(brief="Scores look odd."), "interviewer")

    def _role(self, probe: str) -> e.ProbeRole:
        if any(probe in f.guard_probes for f in self.faults):
            return "guard"
        return "symptom" if any(probe in f.symptom_probes for f in self.faults) else "root_cause"

    def probe(self, second: float, probe: str, status: e.ProbeStatus, fault: str = "stuck", why: str = "") -> Story:
        role = self._role(probe)
        said = why or f"{probe} says {status}"
        return self.add(
            second, e.ProbeChanged(fault=fault, probe=probe, role=role, status=status, why=said, answers=90)
        )

    def held(
        self, second: float, probe: str, since: float, fault: str = "stuck", consecutive: int = 6, answers: int = 240
    ) -> Story:
        role = self._role(probe)
        held = e.ProbeHeld(
            fault=fault,
            probe=probe,
            role=role,
            consecutive=consecutive,
            answers=answers,
            since_wall=BEGIN + since,
            since_world=WORLD + since * 120,
            why="it holds",
        )
        return self.add(second, held)

    def finding(
        self, second: float, pair: tuple[str, str], certainty: e.Certainty = "conclusion", evidence: str = ""
    ) -> Story:
        number = 1 + sum(x.kind == "finding" for x in self.ledger.entries())
        made = findings.make(number, self.faults, *pair, "because of this", certainty, evidence)
        return self.add(second, made, "candidate")

    @property
    def interview(self) -> Interview:
        return Interview(self.harness, self.id)

    @property
    def facts(self) -> Facts:
        return self.interview.facts()


@pytest.fixture
def ours(tmp_path: Path) -> Harness:
    """Settings of a harness whose state is the test's own directory."""
    return Harness(state=tmp_path / "harness")


@pytest.fixture
def tell_story(ours: Harness) -> Callable[..., Story]:
    """Begins a story: `tell_story(faults=…, **created)`."""

    def begin(**given: Any) -> Story:
        return Story(ours, **given)

    return begin


@pytest.fixture
def stale() -> e.FaultRecord:
    return STALE


@pytest.fixture
def control() -> e.FaultRecord:
    return CONTROL


@pytest.fixture
def slow() -> e.FaultRecord:
    return SLOW


class Client:
    """Requests to an ASGI application in this process; the paths begin with a slash."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def request(self, method: str, path: str, **given: Any) -> requests.Response:
        with asgi.get_client(self._app) as client:
            answer: requests.Response = client.request(method, f"http://{asgi.HOST}{path}", **given)
            return answer

    def get(self, path: str, **given: Any) -> requests.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> requests.Response:
        return self.request("POST", path, **given)


@pytest.fixture
def client_of() -> type[Client]:
    return Client
