"""A machine on which injected and healthy latency are too near is refused, with both figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from brownout.faults.calibration import CALIBRATED_RATIO, too_weak
from brownout.probes import ClientLatency, ProbeView, Reference, ServedScorePath
from brownout.settings import Harness
from brownout.world.record import Answer, Record
from ontime.settings import Environment

HEALTHY_MS = 20.0


@dataclass
class Machine:
    view: ProbeView

    def answers(self, latency_ms: float, requests: int = 30) -> None:
        record = Record(self.view.harness.record)
        now = time.time()
        record.answered(
            Answer(f"r{request}", f"f{flight}", 0.0, now, latency_ms, 200, 40, 60.0, 0.2, "1", 0)
            for request in range(requests)
            for flight in range(40)
        )
        record.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    healthy = {"batch_p50_ms": 12.0, "batch_p75_ms": HEALTHY_MS}
    view = ProbeView(
        Environment(state=tmp_path / "platform"),
        Harness(state=tmp_path / "harness"),
        Reference("1", tmp_path),
        healthy=healthy,
    )
    return Machine(view)


def test_a_clear_difference_is_enough(machine: Machine) -> None:
    machine.answers(HEALTHY_MS * CALIBRATED_RATIO)

    assert too_weak(ClientLatency(objective_ms=50), machine.view) == ""


def test_a_faint_one_is_refused_with_both_figures(machine: Machine) -> None:
    machine.answers(HEALTHY_MS * CALIBRATED_RATIO / 2)
    said = too_weak(ClientLatency(objective_ms=50), machine.view)

    assert "up to 30 ms with it and 20 ms without, 1.5 times as long; at least 3 times is needed" in said


def test_without_requests_nothing_can_be_said(machine: Machine) -> None:
    assert "no batch requests" in too_weak(ClientLatency(objective_ms=50), machine.view)


def test_other_symptoms_do_not_depend_on_the_machine(machine: Machine) -> None:
    assert too_weak(ServedScorePath(), machine.view) == ""
