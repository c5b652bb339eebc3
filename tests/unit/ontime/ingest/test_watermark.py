"""How far upstream has told everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ontime.ingest.watermark import Watermark

NOON = datetime(2013, 5, 6, 12, tzinfo=UTC)
QUIET = timedelta(minutes=15)
MOMENTS = st.integers(-300, 0).map(lambda minutes: NOON + timedelta(minutes=minutes))


@given(told=st.lists(st.tuples(st.sampled_from(["departure", "arrival", "weather"]), MOMENTS)))
def test_it_is_the_latest_word_or_the_end_of_a_silence(told: list[tuple[str, datetime]]) -> None:
    watermark = Watermark(QUIET)
    for kind, moment in told:
        watermark.observe(kind, moment)
    latest = max((moment for _, moment in told), default=NOON - timedelta(days=1))

    assert watermark.at(NOON) == max(latest, NOON - QUIET)


@given(told=st.permutations([("departure", NOON - timedelta(minutes=m)) for m in range(5)]))
def test_the_order_of_arrival_does_not_matter(told: list[tuple[str, datetime]]) -> None:
    watermark = Watermark(QUIET)
    for kind, moment in told:
        watermark.observe(kind, moment)

    assert watermark.at(NOON) == NOON


def test_it_never_runs_ahead_of_the_clock() -> None:
    watermark = Watermark(QUIET)
    watermark.observe("schedule", NOON + timedelta(hours=1))

    assert watermark.at(NOON) == NOON
