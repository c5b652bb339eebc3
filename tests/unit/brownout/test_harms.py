"""What was made worse, and what is done of a control."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from brownout import entries as e
from brownout.facts import FaultFacts
from brownout.findings import HEALTHY

if TYPE_CHECKING:
    Tell = Callable[..., Any]

DEPLOY = e.Change(what="deploy", detail="abc Fresh features once an hour")


@pytest.fixture
def story(tell_story: Tell, control: e.FaultRecord) -> Any:
    return tell_story(faults=(control,)).started()


def told(story: Any) -> FaultFacts:
    found: FaultFacts = story.facts.faults[0]
    return found


def guard(story: Any, second: float, status: e.ProbeStatus, probe: str = "ServedScorePath") -> Any:
    return story.probe(second, probe, status, fault="well")


def test_a_control_cannot_be_mitigated_or_fixed(story: Any) -> None:
    guard(story, 300, "ok", "AlertFiring").held(330, "AlertFiring", since=300, fault="well")

    assert told(story).control
    assert (told(story).mitigated, told(story).fixed, told(story).done) == (None, None, None)


def test_found_with_nothing_worse_is_done(story: Any) -> None:
    story.finding(500, HEALTHY, evidence="parity is zero")

    assert (told(story).found.elapsed, told(story).done.elapsed) == (300, 300)


def test_healthy_without_evidence_is_not_found(story: Any) -> None:
    story.finding(500, HEALTHY)

    assert (told(story).found, told(story).done) == (None, None)


def test_a_guard_that_breaks_is_told_with_its_time_and_the_change_before_it(story: Any) -> None:
    story.finding(250, HEALTHY, evidence="parity is zero").add(400, DEPLOY)

    guard(story, 460, "broken")

    (harm,) = told(story).harms
    assert (harm.probe, harm.at.elapsed, harm.at.why) == ("ServedScorePath", 260, "ServedScorePath says broken")
    assert (harm.change.elapsed, harm.change.why) == (200, "deploy abc Fresh features once an hour")
    assert (harm.healed, told(story).done) == (None, None)
    assert told(story).left_worse == (harm,)


def test_what_is_put_right_again_was_worse_for_a_while(story: Any) -> None:
    story.finding(250, HEALTHY, evidence="parity is zero").add(400, DEPLOY)
    guard(story, 460, "broken")
    guard(story, 600, "unknown")
    guard(story, 700, "ok")

    (harm,) = told(story).harms
    assert harm.healed.elapsed == 500
    assert told(story).left_worse == ()
    assert told(story).done.elapsed == 500


def test_each_breaking_is_a_harm_of_its_own(story: Any) -> None:
    for second, status in ((300, "broken"), (320, "ok"), (340, "broken"), (350, "unknown"), (360, "broken")):
        guard(story, second, status)
    guard(story, 310, "broken", "AlertsHeard")

    assert [(harm.probe, harm.at.elapsed, harm.healed is None) for harm in told(story).harms] == [
        ("ServedScorePath", 100, False),
        ("ServedScorePath", 140, True),
        ("AlertsHeard", 110, True),
    ]


def test_a_guard_that_never_was_ok_is_held_against_nobody(tell_story: Tell, control: e.FaultRecord) -> None:
    story = tell_story(faults=(control.model_copy(update={"guard_probes": ("WorldAlive",)}),))
    story.add(10, e.Ready(seconds=1, brief="b", onset_wall=0, onset_world=0)).add(20, e.Started())
    guard(story, 30, "unknown", "WorldAlive")
    guard(story, 40, "broken", "WorldAlive")

    assert told(story).harms == ()


def test_what_broke_before_the_start_is_held_against_nobody(tell_story: Tell, control: e.FaultRecord) -> None:
    story = tell_story(faults=(control,)).prepared()
    guard(story, 120, "broken")
    story.add(200, e.Started())
    guard(story, 210, "unknown")
    guard(story, 220, "broken")

    assert told(story).harms == ()


@pytest.mark.parametrize(
    ("change", "closed", "broken", "counts", "named"),
    [
        (400, 500, 520, True, True),
        (510, 500, 520, False, False),
        (None, 500, 520, False, False),
        (100, 500, 460, True, False),
        (None, 500, 460, True, False),
    ],
    ids=["just before the close", "after the close", "no change", "long before", "no change, while it ran"],
)
def test_after_the_close_only_an_earlier_change_counts(
    story: Any, change: float | None, closed: float, broken: float, counts: bool, named: bool
) -> None:
    moments = [(closed, e.Closed(reason="time"))] + ([(change, DEPLOY)] if change is not None else [])
    for second, payload in sorted(moments, key=lambda moment: moment[0]):
        story.add(second, payload)
    guard(story, broken, "broken")

    assert len(told(story).harms) == counts
    assert [harm.change is not None for harm in told(story).harms] == [named] * counts


def test_guards_are_told_as_such_on_the_timeline(story: Any) -> None:
    guard(story, 300, "broken")

    (item,) = [item for item in story.facts.timeline if item.at.elapsed == 100]
    assert (item.text, item.tone) == ("Guard ServedScorePath is broken: ServedScorePath says broken", "bad")


def test_a_fault_with_guards_has_harms_beside_its_repair(tell_story: Tell, stale: e.FaultRecord) -> None:
    guarded = stale.model_copy(update={"guard_probes": ("WorldAlive",)})
    story = tell_story(faults=(guarded,)).started()
    story.probe(300, "WorldAlive", "broken").probe(320, "WorldAlive", "ok")
    for probe in ("FreshAge", "ServedScorePath"):
        story.probe(400, probe, "ok").held(430, probe, since=400)

    fault = told(story)
    assert (fault.control, len(fault.harms), fault.done) == (False, 1, fault.fixed)
    assert fault.fixed is not None


def test_a_silence_is_no_repair(tell_story: Tell) -> None:
    story = tell_story().started().add(390, e.Change(what="silence", detail="alerts with alertname=~.+"))
    for probe in ("FreshAge", "ServedScorePath"):
        story.probe(400, probe, "ok").held(430, probe, since=400)

    assert "silence" not in told(story).fixed.why
