"""What a machine's healthy latency is, while other work on it disturbs some of the looks."""

from __future__ import annotations

import pytest

from brownout.stage import LOOKS, fastest

TOO_LITTLE = {"single_p50_ms": 10.0}


def figures(upper: float) -> dict[str, float]:
    return {"single_p50_ms": 10.0, "single_p75_ms": 12.0, "batch_p50_ms": upper / 2, "batch_p75_ms": upper}


@pytest.mark.parametrize("looks", [(30.0, 120.0, 119.0), (119.0, 30.0, 120.0), (119.0, 120.0, 30.0)])
def test_what_disturbs_some_of_the_looks_does_not_count(looks: tuple[float, ...]) -> None:
    coming = iter(looks)

    assert fastest(lambda _: figures(next(coming))) == figures(30.0)


def test_each_look_is_at_what_was_asked_since_the_one_before() -> None:
    asked: list[float] = []

    def look(since: float) -> dict[str, float]:
        asked.append(since)
        return figures(40.0)

    fastest(look)

    assert len(asked) == LOOKS
    assert asked[0] == 0.0 < asked[1]
    assert asked == sorted(asked)


def test_when_the_time_is_over_what_was_found_before_counts() -> None:
    coming = iter([figures(90.0), TOO_LITTLE, TOO_LITTLE])

    assert fastest(lambda _: next(coming)) == figures(90.0)


def test_too_few_answers_from_the_start_are_handed_on() -> None:
    assert fastest(lambda _: TOO_LITTLE) == TOO_LITTLE
