"""A proctor's console on a real ledger and a stage that only acts: `python tests/browser/play.py PORT`.

State is `$BROWNOUT_STATE`. What the machine would observe is appended to the ledger by whoever plays; curves come from
a sine. Killed at any moment, the next one goes on from the ledger.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from brownout import entries as e
from brownout.console.alerts import Alert, Board
from brownout.console.app import Services, create_app
from brownout.console.jobs import JobState, Wish, begun
from brownout.faults import Fault
from brownout.interview import Access, Interview, current, new_id
from brownout.lifecycle import Lifecycle, Release, Standstill
from brownout.scenarios import Scenario, get
from brownout.settings import Harness, harness
from ontime.clock import Clock, Segment, write_segments

STEP_SECONDS = 0.15
HOLD = "hold"
"""While a file of this name lies in the state, a preparation stays where the fault is put in."""
WORLD_BEGINS = 1_367_838_000.0
"""Mon 6 May 2013, 07:00 in New York."""


class PlayedStage:
    """Does nothing to any stack, and takes a moment for it."""

    def versions(self) -> dict[str, str]:
        return {"brownout": "played"}

    def secrecy(self) -> e.Secrecy:
        return "on-trust"

    def runtime(self) -> str:
        return "local"

    def restore(self, baseline: str, seed: int | None = None) -> None:
        time.sleep(STEP_SECONDS)

    def run_world(self, speed: float) -> None:
        time.sleep(STEP_SECONDS)

    def measure_healthy(self) -> e.Healthy:
        time.sleep(STEP_SECONDS)
        return e.Healthy(reference_version="3", reference_model="none")

    def make_workspace(self, scenario: Scenario, seed: int) -> Path:
        return Path()

    def deploy(self, workspace: Path) -> None:
        time.sleep(STEP_SECONDS)

    def inject(self, fault: Fault, parameters: Any, workspace: Path, seed: int) -> None:
        time.sleep(STEP_SECONDS)
        while (harness().state / HOLD).exists():
            time.sleep(STEP_SECONDS)

    def probe_view(self, healthy: e.Healthy | None, onset_world: float | None, since_wall: float) -> Any:
        return None

    def world_now(self) -> float:
        return Clock(harness().world / "clock.json").world_seconds()

    def freeze(self) -> Standstill:
        return Standstill(time.time(), self.world_now())

    def release(self, frozen_wall: float | None) -> Release:
        return Release(5.0)

    def let_in(self, access: Access) -> None:
        pass

    def lock_out(self) -> None:
        pass


class PlayedLifecycle(Lifecycle):
    """Observes each symptom at once."""

    def _observe(self, interview: Interview, drawn: Any, controls: Any, view: Any) -> None:
        time.sleep(STEP_SECONDS)
        for record in interview.created.faults:
            causes = tuple(probe for probe in record.root_cause_probes if probe not in record.symptom_probes)
            for role, probes in (("symptom", record.symptom_probes), ("root_cause", causes)):
                for probe in probes:
                    interview.add(
                        "proctor",
                        e.ProbeChanged(
                            fault=record.fault,
                            probe=probe,
                            role=role,
                            status="broken",
                            why=f"{probe} sees it: the median age is 96 minutes, expected below 20.",
                            answers=120,
                            measured={"age_minutes": 96.0, "false_share": 0.4},
                        ),
                    )
            interview.add(
                "proctor",
                e.SymptomObserved(fault=record.fault, probe=record.symptom_probes[0], why="The median age is 96 min."),
            )


class PlayedJobs:
    """Prepares in a thread."""

    def __init__(self, here: Harness, lifecycle: Lifecycle) -> None:
        self._here = here
        self._lifecycle = lifecycle
        self._state: JobState | None = None

    def prepare(self, wish: Wish) -> str:
        interview_id = new_id()
        values = (wish.seed, wish.candidate, wish.ai_policy, wish.raters, interview_id)
        threading.Thread(target=self._lifecycle.prepare, args=(get(wish.scenario), *values), daemon=True).start()
        deadline = time.monotonic() + 10
        while not begun(self._here, interview_id) and time.monotonic() < deadline:
            time.sleep(0.02)
        return interview_id

    def reset(self, baseline: str) -> None:
        self._lifecycle.reset(baseline)
        self._state = JobState("reset", "done", False, time.time())

    def state(self) -> JobState | None:
        return self._state


def alerts() -> Board:
    summary = "The hourly loss estimate has been above the budget for ten world minutes."
    return Board((Alert("LossAboveBudget", "ticket", summary, time.time() - 240, False),))


def curve(query: str, start: float, end: float, step: float) -> list[tuple[float, float]]:
    """Low and restless until the onset, then where the probe saw it; the last minute is still to come."""
    found = current(harness())
    onset = found.facts().onset if found is not None else None
    broken, height = onset[0] if onset else end, 0.4 if "share" in query else 96.0
    moments = [start + i * step for i in range(int((end - start) / step))]
    return [(m, height * ((m >= broken) * 0.92 + 0.08 + 0.04 * math.sin(m / 5))) for m in moments]


def main(port: int) -> None:
    here = harness()
    here.world.mkdir(parents=True, exist_ok=True)
    if not (here.world / "clock.json").exists():
        write_segments(here.world / "clock.json", (Segment(time.time(), WORLD_BEGINS, here.speed),))
    lifecycle = PlayedLifecycle(here, PlayedStage(), lambda *_: None)
    services = Services(here, "played-token", lambda: lifecycle, PlayedJobs(here, lifecycle), alerts, curve)
    config = uvicorn.Config(
        create_app(services), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
