from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from brownout import entries as e
from brownout.probes import ProbeResult
from brownout.proctor.answers import AnswerCount
from brownout.proctor.prober import Prober, Watched
from brownout.settings import Harness

Tell = Callable[..., Any]


@dataclass
class FakeProbe:
    """Answers what it is told to; an exception is raised."""

    answers: Iterator[str | Exception]
    cost: str = "cheap"
    name: str = "FreshAge"
    asked: list[float] = field(default_factory=list)

    def run(self, view: FakeView) -> ProbeResult:
        self.asked.append(view.since_wall)
        answer: Any = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return ProbeResult(answer, f"says {answer}", 90, {"figure": 1.0, "none": float("nan")})


@dataclass(frozen=True)
class FakeView:
    world_now: float = 1.0
    since_wall: float = 0.0


class Record:
    """The world's record, with as many answers as wanted."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        self.path = path
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE answers (id INTEGER PRIMARY KEY, asked_wall REAL, code INTEGER)")

    def receive(self, count: int, code: int = 200, wall: float = 0.0) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.executemany("INSERT INTO answers (asked_wall, code) VALUES (?, ?)", [(wall, code)] * count)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def record(ours: Harness) -> Record:
    return Record(ours.record)


def prober(story: Any, probe: FakeProbe, clock: Clock | None = None) -> Prober:
    view: Any = FakeView()
    watched: Any = [Watched("stuck", probe, "symptom")]  # type: ignore[arg-type]
    return Prober(story.interview, view, watched, clock or (lambda: 0.0))


def looks(prober: Prober, times: int) -> None:
    for _ in range(times):
        prober.changed(0.0)
        prober.look()


def noted(story: Any) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for entry in story.ledger.entries()[1:]:
        p = entry.payload
        if isinstance(p, e.ProbeChanged):
            found.append(("changed", p.status))
        elif isinstance(p, e.ProbeHeld):
            found.append(("held", str(p.consecutive), str(p.answers)))
        else:
            found.append((entry.kind,))
    return found


def test_only_changes_and_the_run_that_counts_are_noted(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    watch = prober(story, FakeProbe(iter(["broken", "broken", *["ok"] * 10])))

    looks(watch, 3)
    record.receive(250)
    looks(watch, 9)

    assert noted(story) == [("changed", "broken"), ("changed", "ok"), ("held", "6", "250")]


def test_a_run_waits_for_its_answers(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    watch = prober(story, FakeProbe(iter(["ok"] * 30)))
    record.receive(500)

    looks(watch, 10)
    record.receive(150)
    record.receive(300, code=0)
    looks(watch, 1)
    before = noted(story)
    record.receive(50)
    looks(watch, 1)

    assert before == [("changed", "ok"), ("held", "10", "500")] or before == [("changed", "ok")]
    assert noted(story)[-1][0] == "held"


def test_answers_before_the_run_do_not_count(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    record.receive(500)
    watch = prober(story, FakeProbe(iter(["ok"] * 30)))

    looks(watch, 10)

    assert noted(story) == [("changed", "ok")]


def test_failed_answers_do_not_count(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    watch = prober(story, FakeProbe(iter(["ok"] * 30)))
    looks(watch, 1)
    record.receive(150)
    record.receive(300, code=0)

    looks(watch, 10)

    assert noted(story) == [("changed", "ok")]


def test_broken_ends_a_run_and_unknown_does_not(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    answers = ["ok", "ok", "ok", "unknown", "ok", "ok", "broken", "ok", "ok", "ok", "unknown", "ok", "ok", "ok"]
    watch = prober(story, FakeProbe(iter(answers)))
    looks(watch, 8)
    record.receive(300)
    looks(watch, 6)

    states = ["ok", "unknown", "ok", "broken", "ok", "unknown", "ok"]
    assert noted(story) == [*(("changed", s) for s in states), ("held", "6", "300")]


def test_a_probe_that_fails_is_unknown_and_the_harness_trouble_told_once(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    watch = prober(story, FakeProbe(iter([ValueError("no"), ValueError("no"), "ok"])))

    looks(watch, 3)

    assert noted(story) == [("harness_trouble",), ("changed", "unknown"), ("changed", "ok")]


def test_what_is_measured_is_kept_without_what_is_not_finite(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    looks(prober(story, FakeProbe(iter(["ok"]))), 1)

    assert story.ledger.entries()[-1].payload.measured == {"figure": 1.0}


def test_a_new_prober_goes_on_from_the_ledger(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    looks(prober(story, FakeProbe(iter(["broken", "ok", "ok"]))), 3)
    since = story.ledger.entries()[-1].wall
    record.receive(200, wall=since + 1)
    second = prober(story, FakeProbe(iter(["ok"] * 8)))

    looks(second, 8)

    assert noted(story) == [("changed", "broken"), ("changed", "ok"), ("held", "6", "200")]
    assert story.ledger.entries()[-1].payload.since_wall == pytest.approx(since)


def test_a_run_that_held_before_is_not_noted_again(tell_story: Tell, record: Record) -> None:
    story = tell_story()
    first = prober(story, FakeProbe(iter(["ok"] * 8)))
    looks(first, 1)
    record.receive(300)
    looks(first, 7)

    looks(prober(story, FakeProbe(iter(["ok"] * 9))), 9)

    assert [kind for kind, *_ in noted(story)] == ["changed", "held"]


@pytest.mark.parametrize(("cost", "asked"), [("cheap", 24), ("on_change", 7)])
def test_on_change_probes_are_asked_rarely_once_they_stand(
    tell_story: Tell, record: Record, cost: str, asked: int
) -> None:
    clock, probe = Clock(), FakeProbe(iter(["broken"] * 100), cost=cost)
    watch = prober(tell_story(), probe, clock)

    for second in range(120):
        clock.now = 1000.0 + second
        watch.look()
        watch.wait(30)

    assert len(probe.asked) == asked


def test_a_change_makes_every_probe_due_and_older_answers_no_evidence(tell_story: Tell, record: Record) -> None:
    clock, probe = Clock(), FakeProbe(iter(["broken"] * 100), cost="on_change")
    watch = prober(tell_story(), probe, clock)
    for second in range(60):
        clock.now = 1000.0 + second
        watch.look()
        watch.wait(30)
    before = len(probe.asked)

    watch.changed(1060.5)
    watch.look()
    watch.wait(30)

    assert len(probe.asked) == before + 1
    assert probe.asked[-1] == 1060.5


@dataclass
class SlowProbe(FakeProbe):
    """Answers when it is let."""

    cost: str = "on_change"
    name: str = "GateRefuses"
    let: threading.Event = field(default_factory=threading.Event)

    def run(self, view: FakeView) -> ProbeResult:
        assert self.let.wait(30)
        return super().run(view)


def test_a_symptom_is_seen_while_a_slow_probe_is_asked(tell_story: Tell, record: Record) -> None:
    slow, quick = SlowProbe(iter(["broken"])), FakeProbe(iter(["ok", "broken"]))
    view: Any = FakeView()
    both: Any = [Watched("stuck", slow, "root_cause"), Watched("stuck", quick, "symptom")]  # type: ignore[arg-type]
    clock = Clock()
    watch = Prober(tell_story().interview, view, both, clock)

    seen = [watch.look()]
    clock.now += 5
    seen.append(watch.look())
    slow.let.set()
    watch.wait(30)
    seen.append(watch.look())

    assert [sorted(probe for _, probe in results) for results in seen] == [["FreshAge"], ["FreshAge"], ["GateRefuses"]]
    assert seen[1]["stuck", "FreshAge"].status == "broken"


def test_what_was_asked_before_a_change_is_no_evidence_of_what_holds_after_it(tell_story: Tell, record: Record) -> None:
    story, slow = tell_story(), SlowProbe(iter(["ok", "broken"]))
    watch = prober(story, slow)

    watch.look()
    watch.changed(7.0)
    slow.let.set()
    watch.wait(30)
    dropped = watch.look()
    watch.wait(30)
    taken = watch.look()

    assert dropped == {}
    assert [result.status for result in taken.values()] == ["broken"]
    assert slow.asked == [0.0, 7.0]
    assert [kind for kind, *_ in noted(story)] == ["changed"]


def test_a_record_that_is_not_there_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "torn.db").write_bytes(b"SQLite format 3\0 torn")

    for name in ("none.db", "torn.db"):
        count = AnswerCount(tmp_path / name)
        assert (count.last(), count.last_before(9e9), count.since(0)) == (0, 0, 0)
