"""A stage small enough to be understood at a glance: what a proof does to it follows from the plan, not from a script.

It knows one field that upstream sends, the contract that reads it, and what was stored of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from brownout.faults import Fault
from brownout.faults.discovery import find
from brownout.faults.injectors import CodeCommit, FeedChange
from brownout.faults.model import Attempt
from brownout.faults.parameters import Parameters
from brownout.leaks import needles_of, search
from brownout.leaks.places import Place
from brownout.probes import ProbeResult
from brownout.proof.engine import Proof
from brownout.proof.kept import Kept
from brownout.proof.rows import Row
from brownout.quiet.verdict import Verdict
from brownout.settings import ROOT, Harness

CONTRACT = "platform/ontime/contract.py"
NOISE = 1e-7
"""By which a served score differs from the recomputed one on the healthiest stack."""
ANSWERS_A_LOOK = 45
DISHONEST = Path(__file__).parent / "dishonest" / "faults"
PACK = ROOT / "tests" / "faults" / "pack" / "faults"


@dataclass
class State:
    """`sent`: upstream's factor; `stored`: the worst factor of a stored row, None when rows are gone."""

    contract: str
    sent: float = 1.0
    stored: float | None = 1.0
    serving: bool = True
    commits: list[str] = field(default_factory=list)

    @property
    def read(self) -> float:
        """The factor that is left when the contract has read it."""
        converts = re.search(r"scheduled_minutes\"?\]? \* (\d+)", self.contract)
        return self.sent * int(converts.group(1)) if converts and self.sent < 0.5 else self.sent

    def store(self) -> None:
        if self.stored is not None and abs(self.read - 1) > abs(self.stored - 1):
            self.stored = self.read


class TinyStage:
    """Every method does what `ProofStage` says. `fails_at`: the attempt at which the stack breaks down, once."""

    def __init__(self, fault: Fault, parameters: Parameters, clock: Callable[[], float]) -> None:
        self._fault = fault
        self._plan = fault.plan(parameters)
        self._clock = clock
        self._baseline = State((ROOT / CONTRACT).read_text())
        self.state = deepcopy(self._baseline)
        self.kept: State | None = None
        self.asked = 0
        self.did: list[str] = []
        self.fails_at = ""
        self.left_over: list[str] = []
        self.weakness = ""
        self.in_windows = ProbeResult("ok", "as it should be")
        self.unequal_after: list[str] = []

    def restore(self) -> list[str]:
        self.did.append("restore")
        self.state = deepcopy(self._baseline)
        return self.left_over

    def start(self) -> None:
        self.did.append("start")

    def measure(self) -> None: ...

    def inject(self) -> None:
        for injection in self._plan.injections:
            if isinstance(injection, FeedChange):
                self.state.sent = injection.factor
            if isinstance(injection, CodeCommit):
                self.state.commits.append(injection.subject)
        self.state.store()

    def look(self) -> Mapping[str, ProbeResult]:
        self.asked += ANSWERS_A_LOOK if self.state.serving else 0
        return {name: self._judge(probe) for name, probe in self._plan.probes.items()}

    def _judge(self, probe: Any) -> ProbeResult:
        if probe.kind == "served_score_path":
            if not self.state.serving:
                return ProbeResult("unknown", "no answers")
            off = abs(self.state.read - 1) + NOISE
            return ProbeResult("broken" if off > probe.max_deviation else "ok", f"scores are off by {off:g}")
        stored = self.state.stored
        if stored is None:
            return ProbeResult("broken", "the rows are gone")
        off = max(abs(stored - 1), abs(self.state.read - 1))
        return ProbeResult("broken" if off > probe.tolerance else "ok", f"stored rows are off by {off:g}")

    def answers(self) -> int:
        return self.asked

    def changed(self) -> None: ...

    def quiet(self, windows: int) -> Verdict:
        how = "of a test"
        return Verdict(self._plan.symptom.name, how, {str(n): self.in_windows for n in range(windows)})

    def weak(self) -> str:
        return self.weakness

    def leaks(self) -> list[str]:
        needles = needles_of([self._fault], [], [])
        return [str(leak) for leak in search([Place("git log", "\n".join(self.state.commits))], needles)]

    def snapshot(self) -> None:
        self.did.append("snapshot")
        self.kept = deepcopy(self.state)

    def has_snapshot(self) -> bool:
        return self.kept is not None

    def restore_broken(self) -> None:
        self.did.append("restore broken")
        assert self.kept is not None
        self.state = deepcopy(self.kept)

    def forget_snapshot(self) -> None:
        self.kept = None

    def play(self, attempt: Attempt) -> None:
        if attempt.name == self.fails_at:
            self.fails_at = ""
            raise ConnectionError("the machine went away")
        self.did.append(attempt.name)
        for action in attempt.actions:
            if action.kind == "edit_files":
                for edit in action.edits:
                    self.state.contract = edit.applied(self.state.contract)
                self.state.store()
            elif action.kind == "ontime":
                self.state.stored = self.state.read
            elif action.kind == "delete_data":
                self.state.stored = None
            elif action.kind == "stop_world_traffic":
                self.state.serving = False
            elif action.kind == "restart_component":
                self.state.serving = True

    def unequal(self) -> list[str]:
        return self.unequal_after


@dataclass
class Bench:
    """A proof of one fault on a tiny stage, with a clock that only sleeping moves."""

    fault: Fault
    folder: Path
    limit: int | None = None
    key: str = "k"

    def __post_init__(self) -> None:
        self.now = 0.0
        self.parameters = self.fault.draw(4)
        self.stage = TinyStage(self.fault, self.parameters, lambda: self.now)

    @property
    def kept(self) -> Kept:
        return Kept(Harness(state=self.folder), self.fault.id, self.key)

    def prove(self) -> list[Row]:
        proof = Proof(
            self.fault,
            self.parameters,
            self.stage,
            self.kept,
            lambda *_: None,
            self.limit,
            lambda: self.now,
            self._sleep,
        )
        return proof.run()

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(scope="session")
def pack() -> dict[str, Fault]:
    return {name: fault for name, (fault, _) in find([PACK]).items()}


@pytest.fixture(scope="session")
def dishonest() -> dict[str, Fault]:
    return {name: fault for name, (fault, _) in find([DISHONEST]).items()}


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Bench]:
    """`bench(fault, limit=…)`"""
    return lambda fault, **given: Bench(fault, tmp_path, **given)


@pytest.fixture
def honest(pack: dict[str, Fault]) -> Fault:
    return pack["block_times_in_half_hours"]
