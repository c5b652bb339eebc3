from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout import freeze as freezing
from brownout.errors import StackError
from brownout.freeze import Freezer, running_dags
from ontime.errors import RuntimeStateError
from ontime.runtime.readiness import READY
from ontime.settings import Environment


class Around:
    """World and supervisor that remember the order of what was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stopped: set[str] = set()
        self.alive = True

    def freeze(self) -> dict[str, Any]:
        self.calls.append("freeze world")
        return {"world": 42.0}

    def release(self) -> None:
        self.calls.append("release world")

    def there(self) -> bool:
        return self.alive

    def running(self) -> set[str]:
        return {"serving", *freezing.STOPPED} - self.stopped

    def stop(self, names: list[str]) -> None:
        self.calls += [f"stop {name}" for name in names]
        self.stopped.update(names)

    def start(self, name: str) -> None:
        self.calls.append(f"start {name}")
        self.stopped.discard(name)


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def freezer(around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Freezer:
    monkeypatch.setattr(freezing, "switch", lambda _: around)
    monkeypatch.setattr(freezing, "COMPONENTS", {"prometheus": SimpleNamespace(ready=lambda *_: READY)})
    world: Any = around
    return Freezer(Environment(state=tmp_path), world, lambda seconds: around.calls.append(f"shift {seconds:.0f}"))


def test_world_first_then_alerts_then_schedules(freezer: Freezer, around: Around) -> None:
    still = freezer.freeze()

    assert still.world == 42.0
    assert around.calls == ["freeze world", "stop prometheus", "stop airflow-scheduler"]


def test_the_past_is_moved_before_prometheus_starts_and_the_world_goes_last(freezer: Freezer, around: Around) -> None:
    still = freezer.freeze()
    around.calls.clear()

    released = freezer.release(still.wall - 300)

    assert around.calls == ["shift 300", "start prometheus", "start airflow-scheduler", "release world"]
    assert released.still_seconds == pytest.approx(300, abs=5)
    assert released.trouble == ""


def test_releasing_what_runs_shifts_nothing(freezer: Freezer, around: Around) -> None:
    freezer.release(0.0)

    assert "shift" not in " ".join(around.calls)
    assert around.calls[-1] == "release world"


def test_a_past_that_cannot_be_moved_stops_nobody(
    around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freezer: Freezer
) -> None:
    def refuse(_: float) -> None:
        raise RuntimeStateError("promtool refused")

    monkeypatch.setattr(freezer, "_shift", refuse)
    still = freezer.freeze()

    released = freezer.release(still.wall)

    assert "promtool refused" in released.trouble
    assert around.calls[-1] == "release world"


def test_it_waits_for_dag_runs_and_says_when_they_do_not_end(
    freezer: Freezer, around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "DAG_RUNS_END_SECONDS", 0.0)
    monkeypatch.setattr(freezing, "running_dags", lambda _: ["train_model"])

    with pytest.raises(StackError, match="a DAG run to end"):
        freezer.freeze()
    assert "stop airflow-scheduler" not in around.calls


@pytest.mark.parametrize("verb", ["freeze", "release"])
def test_without_a_supervisor_it_is_said(freezer: Freezer, around: Around, verb: str) -> None:
    around.alive = False

    with pytest.raises(StackError, match="supervisor does not run"):
        freezer.freeze() if verb == "freeze" else freezer.release(0.0)


def test_running_dags_are_read_from_airflows_database(tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    with closing(sqlite3.connect(tmp_path / "airflow" / "airflow.db")) as db, db:
        db.execute("CREATE TABLE dag_run (dag_id TEXT, state TEXT)")
        db.execute("INSERT INTO dag_run VALUES ('a', 'running'), ('b', 'success'), ('c', 'queued')")

    assert running_dags(Environment(state=tmp_path)) == ["a"]
    assert running_dags(Environment(state=tmp_path / "elsewhere")) == []
