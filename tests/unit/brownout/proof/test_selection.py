"""Changed faults first, then the longest unproved, until the budget is spent; and what is left out is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brownout.faults import discover
from brownout.proof.key import fault_key
from brownout.proof.prove import provable, prove
from brownout.proof.published import Record, Step
from brownout.proof.selection import SHORT_SECONDS, Budget, Turn, turns
from brownout.proof.setting import Setting, setting_of
from ontime.errors import ConfigError

STEPS = (
    Step(step="healthy", kind="healthy", seconds=100),
    Step(step="symptom", kind="symptom", seconds=50, figures={"symptom_seconds": 12}),
    Step(step="a", kind="solution", seconds=40),
    Step(step="b", kind="valid fix", seconds=45),
    Step(step="c", kind="cheat", seconds=30),
    Step(step="d", kind="wrong fix", seconds=90),
    Step(step="reset", kind="reset", seconds=20),
)


def settings() -> list[Setting]:
    usual = setting_of("stale_fresh_path")
    return [replace(usual, fault=usual.fault.model_copy(update={"id": name})) for name in ("a", "b", "c", "d")]


def record(setting: Setting, at: str, key: str = "") -> Record:
    return Record(
        at=at,
        key="k",
        fault_key=key or fault_key(setting),
        scenario="junior-01",
        baseline="may",
        seconds=375,
        spent={},
        steps=STEPS,
    )


def test_changed_ones_come_first_then_the_longest_unproved() -> None:
    a, b, c, d = settings()
    published = {
        "a": record(a, "2026-11-03"),
        "b": record(b, "2026-11-01"),
        "c": record(c, "2026-11-09", key="as it was"),
    }
    found = turns([a, b, c, d], published)

    assert [(turn.fault_id, turn.why) for turn in found] == [
        ("d", "it was never proved whole"),
        ("c", "it changed since 2026-11-09"),
        ("b", "proved whole on 2026-11-01"),
        ("a", "proved whole on 2026-11-03"),
    ]
    assert [turn.seconds for turn in found] == [SHORT_SECONDS, 240, 240, 240]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_budget_allows_what_is_expected_to_fit_and_says_what_it_leaves_out() -> None:
    clock = Clock()
    budget = Budget(1200, clock)
    turn = Turn("leakage", "proved whole on 2026-11-01", 400)
    allowed = []
    for _ in range(4):
        allowed.append(budget.allows(turn))
        if allowed[-1]:
            with budget.spending():
                clock.now += 450

    assert allowed == [True, True, False, False]
    assert budget.refusal(turn) == (
        "not proved this time (proved whole on 2026-11-01): 15 of 20 minutes are spent, and it takes about 7. "
        "`make prove FAULT=leakage` does"
    )


def test_the_first_is_proved_whatever_it_takes() -> None:
    assert Budget(60).allows(Turn("x", "it was never proved whole", 480))


def test_a_proof_that_fails_is_paid_for_too() -> None:
    clock = Clock()
    budget = Budget(1200, clock)

    def failing() -> None:
        with budget.spending():
            clock.now += 1000
            raise AssertionError

    with pytest.raises(AssertionError):
        failing()

    assert not budget.allows(Turn("x", "", 400))


def test_a_fault_of_kubernetes_is_proved_there_alone() -> None:
    faults = discover()
    here, there = provable(faults), provable(faults, "kind")

    assert there == ["cramped_serving", "eager_readiness", "starved_serving"]
    assert sorted([*here, *there]) == sorted(faults)
    with pytest.raises(ConfigError, match="make prove FAULT=starved_serving RUNTIME=kind"):
        prove("starved_serving", lambda *_: None)
