"""The path: ok on healthy answers, broken on wrong ones, unknown without any."""

from __future__ import annotations

import time
from typing import Any

import pytest

from brownout.probes import ServedScorePath

PROBE = ServedScorePath()


def look(stack: Any, **changes: Any) -> Any:
    """Several runs, as the proctor makes them."""
    view = stack.looking(**changes)
    for _ in range(4):
        result = PROBE.run(view)
    return result


@pytest.mark.parametrize("tick", [0, 1, 4])
def test_healthy_answers_are_ok_also_when_features_are_some_minutes_old(stack: Any, tick: int) -> None:
    stack.answer(tick=tick)
    result = look(stack)

    assert (result.status, result.measured["deviating_share"]) == ("ok", 0.0)


def test_hours_old_features_are_broken(stack: Any) -> None:
    stack.answer(tick=48)
    result = look(stack)

    assert result.status == "broken"
    assert result.measured["deviating_share"] > 0.2


def test_a_constant_answer_is_broken(stack: Any) -> None:
    stack.answer(offset=0.1)

    assert look(stack).status == "broken"


def test_it_recovers_once_right_answers_follow_a_change(stack: Any) -> None:
    stack.answer(offset=0.1)
    assert look(stack).status == "broken"

    changed = time.time()
    stack.answer()

    assert look(stack, since_wall=changed).status == "ok"


def test_answers_of_a_version_that_is_not_champion_are_broken(stack: Any) -> None:
    stack.answer(version="3")
    result = look(stack)

    assert result.status == "broken"
    assert "version '3'" in result.why


def test_a_version_that_never_was_is_broken(stack: Any) -> None:
    stack.answer(version="fallback")

    assert look(stack).status == "broken"


def test_no_answers_are_unknown(stack: Any) -> None:
    assert look(stack).status == "unknown"


def test_old_answers_alone_are_unknown(stack: Any) -> None:
    stack.answer()

    assert look(stack, since_wall=time.time() + 1).status == "unknown"


def test_failing_serving_is_unknown(stack: Any) -> None:
    stack.answer(code=503)
    result = look(stack)

    assert (result.status, "503" in result.why) == ("unknown", True)


def test_a_silent_registry_is_unknown(stack: Any) -> None:
    stack.answer()
    environment = stack.view.environment.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})

    assert look(stack, environment=environment).status == "unknown"
