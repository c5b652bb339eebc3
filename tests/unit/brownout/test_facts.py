from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout import entries as e
from brownout.errors import LedgerError
from brownout.facts import derive
from brownout.ledger import Entry

if TYPE_CHECKING:
    Tell = Callable[..., Any]

BEGIN = 1_795_000_000.0
CREATED = e.Created(
    interview="20261121-pause",
    scenario="junior-01",
    title="t",
    level="junior",
    seed=1,
    candidate="",
    ai_policy="none",
    baseline="may",
    time_box_minutes=45,
)
RIGHT, HALF, WRONG = ("ingest", "stale_data"), ("feature_repo", "stale_data"), ("warehouse", "label_leakage")


def fixed(story: Any, at: float) -> Any:
    """Both probes go ok at `at` and hold."""
    for probe in ("FreshAge", "ServedScorePath"):
        story.probe(at, probe, "ok").held(at + 30, probe, since=at)
    return story


def test_a_ledger_that_does_not_begin_is_refused() -> None:
    with pytest.raises(LedgerError, match="does not begin"):
        derive(())


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], "preparing"),
        ([e.Ready(seconds=1, brief="b", onset_wall=0, onset_world=0)], "ready"),
        ([e.Started()], "running"),
        ([e.Started(), e.Paused(reason="r")], "paused"),
        ([e.Started(), e.Paused(reason="r"), e.Resumed()], "running"),
        ([e.Started(), e.Closed(reason="r")], "closed"),
        ([e.Started(), e.Closed(reason="r"), e.WasReset(baseline="may")], "closed"),
        ([e.Abandoned(reason="r")], "abandoned"),
        ([e.Started(), e.WasReset(baseline="may")], "abandoned"),
        ([e.Started(), e.Closed(reason="r"), e.Abandoned(reason="r")], "closed"),
    ],
)
def test_the_state_follows_the_entries(tell_story: Tell, steps: list[e.Payload], state: str) -> None:
    story = tell_story()
    for second, step in enumerate(steps, start=1):
        story.add(second, step)

    assert story.facts.state == state


def test_the_same_entries_give_the_same_facts(tell_story: Tell) -> None:
    story = fixed(tell_story().started().finding(300, RIGHT), 400)

    assert derive(story.ledger.entries()) == derive(story.ledger.entries())


def test_found_mitigated_and_fixed_are_three_facts(tell_story: Tell) -> None:
    story = tell_story().started()

    story.finding(300, RIGHT)
    found = story.facts.faults[0]
    story.probe(400, "FreshAge", "ok").held(430, "FreshAge", since=400)
    mitigated = story.facts.faults[0]
    story.probe(500, "ServedScorePath", "ok").held(530, "ServedScorePath", since=500)
    done = story.facts.faults[0]

    assert [bool(getattr(found, name)) for name in ("found", "mitigated", "fixed")] == [True, False, False]
    assert [bool(getattr(mitigated, name)) for name in ("found", "mitigated", "fixed")] == [True, True, False]
    assert [bool(getattr(done, name)) for name in ("found", "mitigated", "fixed")] == [True, True, True]
    assert (done.found.elapsed, done.mitigated.elapsed, done.fixed.elapsed) == (100, 200, 300)


@pytest.mark.parametrize(
    ("consecutive", "answers", "counts"), [(6, 200, True), (5, 200, False), (6, 199, False), (60, 4000, True)]
)
def test_a_run_counts_from_six_looks_over_two_hundred_answers(
    tell_story: Tell, consecutive: int, answers: int, counts: bool
) -> None:
    story = tell_story().started().probe(400, "FreshAge", "ok")

    story.held(430, "FreshAge", since=400, consecutive=consecutive, answers=answers)

    assert (story.facts.faults[0].mitigated is not None) == counts


def test_the_repair_is_timed_by_the_change_before_it(tell_story: Tell) -> None:
    story = tell_story().started().add(380, e.Change(what="deploy", detail="abc undo it"))

    fixed(story, 420)

    assert story.facts.faults[0].fixed.elapsed == 180
    assert "deploy abc undo it" in story.facts.faults[0].fixed.why


@pytest.mark.parametrize(
    ("change", "pause", "elapsed"),
    [(100, None, None), (-1, None, None), (350, (360, 900), 150)],
    ids=["long before", "before the symptom", "a pause between does not count"],
)
def test_only_a_near_change_is_the_repair(
    tell_story: Tell, change: float, pause: tuple[float, float] | None, elapsed: float | None
) -> None:
    story = tell_story()
    if change < 0:
        story.add(1, e.Change(what="deploy", detail="abc"))
    story.started()
    if change >= 0:
        story.add(100 + change if elapsed is None else change, e.Change(what="deploy", detail="abc"))
    first_ok = 600.0
    if pause:
        story.add(pause[0], e.Paused(reason="r")).add(pause[1], e.Resumed())
        first_ok = 950.0

    fixed(story, first_ok)

    own = 400.0
    assert story.facts.faults[0].fixed.elapsed == (own if elapsed is None else elapsed)


def test_a_probe_that_breaks_again_withdraws_the_fact(tell_story: Tell) -> None:
    story = fixed(tell_story().started(), 400)

    story.probe(500, "FreshAge", "broken")

    fault = story.facts.faults[0]
    assert (fault.mitigated, fault.fixed) == (None, None)


def test_unknown_neither_helps_nor_harms(tell_story: Tell) -> None:
    story = fixed(tell_story().started(), 400)

    story.probe(500, "FreshAge", "unknown")

    assert story.facts.faults[0].fixed is not None
    assert story.facts.faults[0].probes[0].status == "unknown"


def test_ok_before_the_symptom_is_no_repair(tell_story: Tell) -> None:
    story = tell_story().probe(5, "FreshAge", "ok").held(40, "FreshAge", since=5)
    story.add(60, e.SymptomObserved(fault="stuck", probe="FreshAge", why="it shows"))

    assert story.facts.faults[0].mitigated is None


@pytest.mark.parametrize(("change", "counts"), [(980, True), (None, False)])
def test_after_the_close_only_an_earlier_change_counts(tell_story: Tell, change: float | None, counts: bool) -> None:
    story = tell_story().started()
    if change is not None:
        story.add(change, e.Change(what="deploy", detail="in the last minute"))
    story.add(1000, e.Closed(reason="time"))

    fixed(story, 1030)

    assert (story.facts.faults[0].fixed is not None) == counts


def test_verdicts_replace_suggestions(tell_story: Tell) -> None:
    story = tell_story().started().finding(300, RIGHT).finding(310, HALF).finding(320, WRONG)
    suggested = [(f.verdict, f.judged_by) for f in story.facts.findings]

    story.add(330, e.Verdict(finding=1, verdict="refused", reason="guessed"), "interviewer")
    story.add(331, e.Verdict(finding=2, verdict="confirmed", fault="stuck", reason="argued well"), "interviewer")

    assert suggested == [("confirmed", "suggestion"), ("partial", "suggestion"), ("refused", "suggestion")]
    assert [f.verdict for f in story.facts.findings] == ["refused", "confirmed", "refused"]
    assert story.facts.faults[0].found.elapsed == 110
    assert story.facts.faults[0].found_by == "interviewer"
    assert story.facts.finding_counts() == {"confirmed": 1, "partial": 0, "refused": 2, "pending": 0}


def test_a_suspicion_is_never_counted_against_nor_found(tell_story: Tell) -> None:
    story = tell_story().started().finding(300, WRONG, "suspicion").finding(310, RIGHT, "suspicion")

    assert story.facts.finding_counts() == {"confirmed": 0, "partial": 0, "refused": 0, "pending": 0}
    assert story.facts.faults[0].found is None


def test_what_is_undone_no_longer_counts_and_stays_on_the_timeline(tell_story: Tell) -> None:
    story = tell_story().started().finding(300, RIGHT)
    seq = story.ledger.head()[0]

    story.add(310, e.Undone(seq=seq, reason="typed too fast"), "interviewer")

    assert story.facts.faults[0].found is None
    assert story.facts.findings == ()
    assert any(item.text.endswith("(undone)") for item in story.facts.timeline)


def test_undoing_the_start_has_no_effect(tell_story: Tell) -> None:
    story = tell_story().started()

    story.add(210, e.Undone(seq=story.ledger.head()[0], reason="no"))

    assert story.facts.state == "running"


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), max_size=5), end=st.integers(1, 300))
def test_pauses_are_given_back(lengths: list[tuple[int, int]], end: int) -> None:
    told: list[tuple[float, e.Payload]] = [(0.0, CREATED), (0.0, e.Started())]
    at = 0.0
    for run, still in lengths:
        told += [(at + run, e.Paused(reason="r")), (at + run + still, e.Resumed())]
        at += run + still
    entries = tuple(
        Entry(seq, 0.0, BEGIN + second, payload.kind, "interviewer", payload, "", "")
        for seq, (second, payload) in enumerate(told, start=1)
    )

    facts = derive(entries)

    assert facts.elapsed_at(BEGIN + at + end) == pytest.approx(sum(run for run, _ in lengths) + end)
    assert facts.paused_seconds == pytest.approx(sum(still for _, still in lengths))


def test_time_stands_still_in_a_pause_and_after_the_close(tell_story: Tell) -> None:
    story = tell_story().started().add(300, e.Paused(reason="r", lost=True))
    paused = story.facts
    story.add(400, e.Resumed()).add(500, e.Closed(reason="time"))
    closed = story.facts

    assert paused.elapsed_at(BEGIN + 350) == 100
    assert closed.elapsed_at(BEGIN + 9999) == 200
    assert closed.left_at(BEGIN + 9999) == 45 * 60 - 200
    assert (closed.paused_seconds, closed.lost_seconds) == (100, 100)


def test_closing_in_a_pause_ends_it(tell_story: Tell) -> None:
    facts = tell_story().started().add(300, e.Paused(reason="r")).add(500, e.Closed(reason="time")).facts

    assert (facts.state, facts.open_pause, facts.elapsed_at(BEGIN + 600)) == ("closed", None, 100)


def test_frozen_until_released(tell_story: Tell) -> None:
    story = tell_story().prepared()
    before = story.facts.frozen_at

    story.add(150, e.Released(frozen_seconds=80))

    assert before == BEGIN + 70
    assert story.facts.frozen_at is None


def test_the_later_rating_of_a_rater_replaces_the_earlier(tell_story: Tell) -> None:
    story = tell_story().started()
    for score, rater in ((2, "ann"), (4, "ann"), (3, "bob")):
        story.add(300, e.Rated(rater=rater, dimension="repair", score=score), "interviewer")

    assert [(r.rater, r.score) for r in story.facts.ratings] == [("ann", 4), ("bob", 3)]
