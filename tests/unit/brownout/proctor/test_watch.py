from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout import entries as e
from brownout.probes import ProbeResult
from brownout.proctor import watch as watching
from brownout.proctor.changes import Seen
from brownout.proctor.watch import Watch

Tell = Callable[..., Any]


@dataclass
class FakeProbe:
    name: str = "FreshAge"
    cost: str = "cheap"
    asked: int = 0

    def run(self, view: object) -> ProbeResult:
        self.asked += 1
        return ProbeResult("broken", "it is old", 90)


@dataclass(frozen=True)
class FakeView:
    world_now: float = 1.0
    since_wall: float = 0.0


@dataclass
class Around:
    """What the eye looks at, under the test's control."""

    probe: FakeProbe = field(default_factory=FakeProbe)
    seen: list[Seen] = field(default_factory=list)
    views: list[tuple[Any, ...]] = field(default_factory=list)
    alive: bool = True

    def look(self) -> list[Seen]:
        now, self.seen = self.seen, []
        return now

    def view_of(self, *given: Any) -> Any:
        self.views.append(given)
        return FakeView()


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Around:
    made = Around()
    plan = SimpleNamespace(probes={"FreshAge": made.probe})
    monkeypatch.setattr(watching, "discover", lambda: {"stuck": SimpleNamespace(plan=lambda _: plan)})
    monkeypatch.setattr("brownout.proctor.prober.CHEAP_EVERY_SECONDS", 0.0)
    return made


@pytest.fixture
def story(tell_story: Tell, stale: e.FaultRecord) -> Any:
    story = tell_story()
    story.add(5, e.Healthy(reference_version="2", reference_model="/m.onnx"), "harness")
    return story.started()


def eye(story: Any, around: Around) -> Watch:
    changes: Any = around
    return Watch(story.harness, around.view_of, lambda _: changes, lambda: around.alive)


def kinds(story: Any, after: int) -> list[str]:
    return [entry.kind for entry in story.ledger.entries(after)]


def test_probes_are_looked_at_while_it_runs(story: Any, around: Around) -> None:
    watch, head = eye(story, around), story.ledger.head()[0]

    for _ in range(3):
        watch.look(story.interview)

    assert around.probe.asked == 2
    assert kinds(story, head) == []
    healthy, onset, since = around.views[0]
    assert (healthy.reference_version, onset, since > 0) == ("2", 1_367_838_000.0, True)


@pytest.mark.parametrize("entry", [e.Paused(reason="r"), e.Abandoned(reason="r")])
def test_nothing_is_looked_at_when_it_stands_still(story: Any, around: Around, entry: e.Payload) -> None:
    watch = eye(story, around)
    story.add(300, entry)

    for _ in range(3):
        watch.look(story.interview)

    assert around.probe.asked == 0


def test_what_was_there_before_the_start_is_seen_while_it_is_ready(tell_story: Tell, around: Around) -> None:
    story = tell_story().prepared()
    watch = eye(story, around)
    around.seen = [Seen(e.Change(what="deploy", detail="the preparation's own"))]

    watch.look(story.interview)
    story.add(200, e.Started())
    around.seen = [Seen(e.Change(what="alias", detail="in the first second"))]
    for _ in range(2):
        watch.look(story.interview)

    noted = [x.payload.detail for x in story.ledger.entries() if isinstance(x.payload, e.Change)]
    assert noted == ["in the first second"]


def test_changes_are_noted_and_make_probes_due(story: Any, around: Around) -> None:
    watch, head = eye(story, around), story.ledger.head()[0]
    watch.look(story.interview)
    around.seen = [Seen(e.Change(what="deploy", detail="abc")), Seen(None)]

    watch.look(story.interview)

    assert kinds(story, head) == ["change"]
    assert around.probe.asked == 1


def test_after_the_close_it_looks_until_the_watch_is_over(
    story: Any, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = eye(story, around)
    story.ledger.append("interviewer", e.Closed(reason="time", watch_seconds=600))
    head = story.ledger.head()[0]
    watch.look(story.interview)
    watch.look(story.interview)
    asked = around.probe.asked
    later = time.time() + 601
    monkeypatch.setattr("brownout.proctor.watch.time.time", lambda: later)

    watch.look(story.interview)
    watch.look(story.interview)

    assert asked == 1
    assert around.probe.asked == 1
    assert kinds(story, head) == ["watch_ended", "scorecard_written"]
    assert Path(story.folder / "scorecard.html").exists()


class FakeGathering:
    def __init__(self) -> None:
        self.stopped = False

    def look(self) -> list[e.Consulted]:
        return [e.Consulted(source="git", what="the workspace's history was read")]

    def stop(self) -> None:
        self.stopped = True


def test_looks_are_noted_while_it_runs_and_no_longer(story: Any, around: Around) -> None:
    made: list[FakeGathering] = []
    changes: Any = around

    def begin() -> Any:
        made.append(FakeGathering())
        return made[-1]

    watch = Watch(story.harness, around.view_of, lambda _: changes, lambda: True, begin)
    head = story.ledger.head()[0]
    for _ in range(2):
        watch.look(story.interview)
    while_it_ran = kinds(story, head)
    story.ledger.append("interviewer", e.Closed(reason="time", watch_seconds=600))
    watch.look(story.interview)

    assert while_it_ran == ["consulted"]
    assert kinds(story, head) == ["consulted", "closed"]
    assert [gathering.stopped for gathering in made] == [True]


def test_a_world_that_is_gone_is_noted_once(story: Any, around: Around) -> None:
    watch, head = eye(story, around), story.ledger.head()[0]
    around.alive = False

    for _ in range(4):
        watch.look(story.interview)
    around.alive = True
    watch.look(story.interview)
    around.alive = False
    watch.look(story.interview)

    assert kinds(story, head) == ["harness_trouble", "harness_trouble"]


def test_what_fails_in_the_eye_is_told_once_and_it_stays_open(
    story: Any, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, head = eye(story, around), story.ledger.head()[0]
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.0)
    looked = 0

    def fail(_: object) -> None:
        nonlocal looked
        looked += 1
        if looked == 3:
            watch.stop()
        raise ValueError("torn")

    monkeypatch.setattr(watch, "look", fail)

    watch.run()

    assert looked == 3
    assert kinds(story, head) == ["harness_trouble"]
