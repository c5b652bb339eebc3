from __future__ import annotations

import pytest

from ontime.runtime.readiness import READY, Readiness
from ontime.runtime.status import judge
from ontime.runtime.supervisor import Supervised

NOW = 1_000_000.0
DEAF = Readiness(False, "no answer")


def told(state: str, pid: int = 0, age: float = 500.0, note: str = "") -> Supervised:
    return Supervised("serving", state, pid, NOW - age, note)


@pytest.mark.parametrize(
    ("process", "readiness", "orphans", "expected"),
    [
        (told("RUNNING", 7), READY, 0, "ready"),
        (told("RUNNING", 7), DEAF, 0, "not ready"),
        (told("RUNNING", 7, age=3), DEAF, 0, "starting"),
        (told("STARTING", 7, age=500), DEAF, 0, "starting"),
        (told("BACKOFF", note="exited too quickly"), READY, 0, "restarting"),
        (told("EXITED"), READY, 0, "restarting"),
        (told("FATAL", note="gave up"), READY, 0, "gave up"),
        (told("STOPPED"), READY, 0, "stopped"),
        (told("STOPPING", 7), READY, 0, "stopped"),
        (None, READY, 0, "stopped"),
        (None, READY, 2, "unsupervised"),
        (told("EXITED"), READY, 1, "unsupervised"),
    ],
)
def test_the_state_follows_from_what_is_known(
    process: Supervised | None, readiness: Readiness, orphans: int, expected: str
) -> None:
    assert judge(process, readiness, orphans, NOW)[0] == expected


def test_the_reason_is_the_components_own_word() -> None:
    assert judge(told("RUNNING", 7), DEAF, 0, NOW)[1] == "no answer"
