from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from brownout.proctor.changes import Changes
from ontime.errors import RegistryError
from ontime.settings import Environment


class FakeRegistry:
    def __init__(self) -> None:
        self.now: dict[str, int] | None = {"champion": 2, "previous": 1}

    def aliases(self) -> dict[str, int]:
        if self.now is None:
            raise RegistryError("MLflow is down")
        return self.now


class Platform:
    """What the proctor looks at: a link, a registry, Airflow's database."""

    def __init__(self, state: Path) -> None:
        self.environment = Environment(state=state)
        self.registry = FakeRegistry()
        self.silences: dict[str, str] | None = {}
        (state / "airflow").mkdir(parents=True)
        self.database = state / "airflow" / "airflow.db"
        with closing(sqlite3.connect(self.database)) as db:
            db.execute("CREATE TABLE dag_run (dag_id TEXT, run_id TEXT, run_type TEXT, state TEXT)")
        self.deploy("aaa")

    def deploy(self, name: str) -> None:
        root = self.environment.releases / name
        root.mkdir(parents=True, exist_ok=True)
        self.environment.current.unlink(missing_ok=True)
        self.environment.current.symlink_to(root)

    def run(self, kind: str, state: str, name: str) -> None:
        with closing(sqlite3.connect(self.database)) as db, db:
            db.execute("INSERT INTO dag_run VALUES ('train_model', ?, ?, ?)", (name, kind, state))

    def silenced(self, _: str) -> dict[str, str]:
        if self.silences is None:
            raise httpx.ConnectError("refused")
        return dict(self.silences)


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform(tmp_path)
    monkeypatch.setattr("brownout.proctor.changes.active_silences", made.silenced)
    return made


@pytest.fixture
def changes(platform: Platform) -> Changes:
    made = begin(platform)
    assert made.look() == []
    return made


def begin(platform: Platform) -> Changes:
    made = Changes(platform.environment, platform.environment.state / "seen.json")
    registry: Any = platform.registry
    made._registry = registry
    return made


def told(changes: Changes) -> list[tuple[str, str] | None]:
    return [(seen.entry.what, seen.entry.detail) if seen.entry else None for seen in changes.look()]


def test_a_deploy_is_seen_once(platform: Platform, changes: Changes) -> None:
    platform.deploy("bbb")

    assert told(changes) == [("deploy", "bbb")]
    assert told(changes) == []


def test_a_link_that_is_gone_for_a_moment_is_no_deploy(platform: Platform, changes: Changes) -> None:
    platform.environment.current.unlink()

    assert told(changes) == []
    platform.deploy("aaa")
    assert told(changes) == []


def test_moved_new_and_removed_aliases(platform: Platform, changes: Changes) -> None:
    platform.registry.now = {"champion": 3, "challenger": 4}

    assert told(changes) == [
        ("alias", "challenger: version none → 4"),
        ("alias", "champion: version 2 → 3"),
        ("alias", "previous: version 1 → none"),
    ]


def test_a_registry_that_is_down_moves_nothing(platform: Platform, changes: Changes) -> None:
    before, platform.registry.now = platform.registry.now, None

    assert told(changes) == []
    platform.registry.now = before
    assert told(changes) == []


@pytest.mark.parametrize("kind", ["scheduled", "asset_triggered"])
def test_scheduled_runs_make_probes_look_and_leave_no_entry(platform: Platform, changes: Changes, kind: str) -> None:
    platform.run(kind, "success", "r1")

    assert told(changes) == [None]
    assert told(changes) == []


def test_a_run_by_hand_is_a_change_once_it_has_ended(platform: Platform, changes: Changes) -> None:
    platform.run("manual", "running", "r1")
    running = told(changes)
    platform.run("manual", "failed", "r2")

    assert running == []
    assert told(changes) == [("dag_run", "train_model, started by hand: failed")]


def test_a_database_that_is_not_there_or_torn_is_no_change(platform: Platform, changes: Changes) -> None:
    platform.database.write_bytes(b"SQLite format 3\0 torn")
    torn = told(changes)
    platform.database.unlink()

    assert (torn, told(changes)) == ([], [])


def test_what_changed_while_the_proctor_was_down_is_seen(platform: Platform, changes: Changes) -> None:
    platform.deploy("bbb")
    platform.registry.now = {"champion": 1, "previous": 1}
    platform.run("manual", "success", "r1")

    again = begin(platform)

    assert [what for what, _ in filter(None, told(again))] == ["deploy", "alias", "dag_run"]
    assert told(begin(platform)) == []


def test_a_memory_that_is_torn_is_a_first_look(platform: Platform, changes: Changes) -> None:
    (platform.environment.state / "seen.json").write_text('{"release": "aa')
    platform.deploy("bbb")

    assert told(begin(platform)) == []


def test_a_silence_is_seen_once_and_its_end_is_no_change(platform: Platform, changes: Changes) -> None:
    platform.silences = {"one": "alertname=~.+"}
    first, again = told(changes), told(changes)
    platform.silences = None
    down = told(changes)
    platform.silences = {}
    ended = told(begin(platform))

    assert first == [("silence", "alerts with alertname=~.+")]
    assert (again, down, ended) == ([], [], [])
