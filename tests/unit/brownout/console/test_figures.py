"""Agreement, distributions and steps, from ledgers written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from brownout import entries as e
from brownout.console import agreement, distributions, steps
from brownout.scenarios import load


def rated(story: Any, rater: str, **scores: int) -> None:
    for dimension, score in scores.items():
        story.add(500, e.Rated(rater=rater, dimension=dimension, score=score), "interviewer")


def test_agreement_counts_pairs_and_leaves_out_what_one_left_out(story: Any) -> None:
    rated(story, "ann", detection=4, repair=2, prevention=3)
    rated(story, "ben", detection=4, repair=5)
    told = agreement.of(story.facts, ("ann", "ben"))
    rows = {row.dimension: row for row in told.rows}

    assert (told.pairs, told.same, told.near, told.mean_distance) == (2, 1, 1, 1.5)
    assert (rows["repair"].apart, rows["prevention"].apart) == (3, None)


def test_without_two_raters_there_is_nothing_to_agree_on(story: Any) -> None:
    rated(story, "ann", detection=4)

    told = agreement.of(story.facts, ("ann",))

    assert (told.pairs, told.mean_distance) == (0, None)


def test_all_who_were_named_are_waited_for(tell_story: Any) -> None:
    story = tell_story(raters=("ann", "ben")).started()
    story.add(400, e.Closed(reason="time"), "interviewer")
    rated(story, "ann", detection=4)
    story.interview.finish_ratings("ann")

    assert agreement.waiting(story.facts) == ("ben",)


def finished(tell_story: Any, name: str, minute: float, ai: str = "none", fix: bool = True) -> Any:
    story = tell_story(interview=f"20261121-{name}", ai_policy=ai).started(at=200)
    at = 200 + minute * 60
    story.finding(at, ("ingest", "stale_data"))
    if fix:
        for probe in ("FreshAge", "ServedScorePath"):
            story.probe(at + 60, probe, "ok").held(at + 120, probe, since=at + 60)
    return story.add(3000, e.Closed(reason="time"), "interviewer").facts


def test_times_are_spread_by_scenario_and_ai_policy(tell_story: Any) -> None:
    facts = [finished(tell_story, f"n{i}", minute) for i, minute in enumerate((5, 10, 20))]
    facts += [finished(tell_story, "none", 8, fix=False), finished(tell_story, "own", 4, ai="own")]
    told = {(d.scenario, d.ai_policy): d for d in distributions.of(facts, load())}
    found, _, fixed = told[("junior-01", "none")].spreads

    assert told.keys() == {("junior-01", "none"), ("junior-01", "own")}
    assert (found.of, [round(d.minutes) for d in found.dots], found.median) == (4, [5, 8, 10, 20], 9)
    assert (fixed.of, len(fixed.dots), fixed.expected) == (4, 3, 28)


def test_an_interview_under_way_is_no_part_of_it(story: Any) -> None:
    assert distributions.of([story.facts], load()) == []


def test_with_several_faults_the_last_one_counts(tell_story: Any, stale: Any, slow: Any) -> None:
    story = tell_story(faults=(stale, slow)).started(at=200)
    story.finding(260, ("ingest", "stale_data"))

    assert distributions.minutes(story.facts, "found") is None
    story.finding(320, ("registry", "bad_promotion"))
    assert distributions.minutes(story.facts, "found") == pytest.approx(2)


def test_steps_tell_what_runs_and_what_it_usually_takes(tell_story: Any) -> None:
    earlier = tell_story(interview="20261121-earlier")
    earlier.add(1, e.Step(name="restore the baseline", status="done", detail="", seconds=40), "harness").prepared()
    earlier.add(2000, e.Step(name="freeze", status="done", detail="", seconds=99), "harness")
    usual = steps.usual([earlier.ledger.entries()])
    story = tell_story(interview="20261121-now")
    story.add(1, e.Step(name="restore the baseline", status="started", detail=""), "harness")
    story.add(40, e.Step(name="restore the baseline", status="done", detail="", seconds=39), "harness")
    story.add(41, e.Step(name="run the world", status="started", detail=""), "harness")
    told = steps.of(story.ledger.entries(), usual)

    assert usual == {"restore the baseline": 40}
    assert [(s.title, s.status) for s in told[:3]] == [
        ("Baseline restored", "done"),
        ("World runs", "running"),
        ("Measured healthy", "waiting"),
    ]
    assert (told[0].seconds, told[0].usual, told[1].seconds) == (39, 40, None)


def test_a_failed_step_says_why(tell_story: Any) -> None:
    story = tell_story()
    story.add(1, e.Step(name="inject stuck", status="started", detail=""), "harness")
    story.add(2, e.Step(name="inject stuck", status="failed", detail="no such file", seconds=1), "harness")
    failed = steps.of(story.ledger.entries(), {})[5]

    assert (failed.title, failed.status, failed.detail) == ("Fault injected", "failed", "no such file")
