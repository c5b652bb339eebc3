from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from brownout import baselines
from brownout.errors import BaselineError
from brownout.settings import ROOT, Harness
from brownout.world import dataset
from brownout.world.beginning import resume
from brownout.world.dataset import EVENT_TABLES
from ontime.clock import Clock
from ontime.errors import UnknownNameError
from ontime.runtime import release
from ontime.settings import Environment
from ontime.warehouse import TABLES, Warehouse

SHA = "0123456789abcdef0123456789abcdef01234567"
AUTHOR = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(state=tmp_path / "ontime")


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(state=tmp_path / "brownout", secrecy=False, world_url="http://127.0.0.1:9")


@pytest.fixture
def state(environment: Environment) -> Path:
    """A platform's state as a build leaves it, with things that don't belong into a snapshot."""
    root = environment.state
    for name in ("warehouse/weather/2013-05-05.parquet", "log/ingest.log", "releases/a/x.py", "run/lock", "venv/bin/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "clock.json").write_text("{}")
    (root / "mlflow").mkdir()
    with closing(sqlite3.connect(root / "mlflow/mlflow.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE runs (id)")
        connection.commit()
    return root


@pytest.fixture
def snapshot(state: Path, harness: Harness, environment: Environment, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot of `may` that was taken; restoring needs no platform, no release and no build."""
    monkeypatch.setattr(baselines, "fingerprint", lambda *_: "cafe")
    monkeypatch.setattr(baselines, "_at_rest", lambda *_: None)
    monkeypatch.setattr(baselines, "place_release", lambda *_: None)
    monkeypatch.setattr(release, "head", lambda _: release.Commit(SHA, "work"))
    path = harness.baselines / "may-cafe"
    path.parent.mkdir(parents=True)
    baselines._checkpoint(state)
    baselines._take(state, path, {"name": "may"})
    return path


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "present", "trained_through"),
    [
        ("may", datetime(2013, 5, 6, 9, tzinfo=UTC), date(2013, 4, 21)),
        ("april", datetime(2013, 4, 22, 9, tzinfo=UTC), date(2013, 3, 31)),
        ("june", datetime(2013, 6, 24, 9, tzinfo=UTC), date(2013, 4, 30)),
        ("soak-2013-05-27", datetime(2013, 5, 27, 9, tzinfo=UTC), date(2013, 4, 21)),
    ],
)
def test_where_a_baseline_stands(name: str, present: datetime, trained_through: date) -> None:
    found = baselines.baseline(name)

    assert (found.present, found.trained_through) == (present, trained_through)


@pytest.mark.parametrize("name", ["mai", "soak-", "soak-2013-13-01", "soak-2013-01-01", "soak-2014-05-15"])
def test_an_unknown_baseline_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"may|soak-2013-05-15|Known"):
        baselines.baseline(name)


def test_a_snapshot_holds_state_and_nothing_that_is_made_anew(snapshot: Path) -> None:
    assert set(files(snapshot / "state")) == {"warehouse/weather/2013-05-05.parquet", "mlflow/mlflow.db"}


def test_restoring_makes_the_same_bytes_and_keeps_no_leftover(
    snapshot: Path, state: Path, harness: Harness, environment: Environment
) -> None:
    (state / "warehouse/weather/2013-05-05.parquet").write_text("altered")
    (state / "warehouse/weather/2013-05-06.parquet").write_text("new")
    (state / "releases/culprit").mkdir()
    (state / "mlflow/mlflow.db").unlink()
    baselines.restore("may", environment, harness)

    assert files(state) == files(snapshot / "state") | {
        "venv/bin/x": b"venv/bin/x",
        "clock.json": environment.clock.read_bytes(),
    }
    assert baselines.verify("may", environment, harness) == []


def test_what_differs_is_named(snapshot: Path, state: Path, harness: Harness, environment: Environment) -> None:
    baselines.restore("may", environment, harness)
    (state / "warehouse/weather/2013-05-05.parquet").write_text("altered")
    (state / "warehouse/weather/2013-05-06.parquet").write_text("new")
    (state / "mlflow/mlflow.db").unlink()

    assert baselines.verify("may", environment, harness) == [
        "mlflow/mlflow.db is missing",
        "warehouse/weather/2013-05-05.parquet differs",
        "warehouse/weather/2013-05-06.parquet is new",
    ]


def test_changing_the_restored_state_leaves_the_snapshot_alone(
    snapshot: Path, state: Path, harness: Harness, environment: Environment
) -> None:
    before = files(snapshot)
    baselines.restore("may", environment, harness)
    with (state / "warehouse/weather/2013-05-05.parquet").open("a") as file:
        file.write("more")

    assert files(snapshot) == before


def test_after_a_restore_the_world_is_frozen_at_the_present_with_an_empty_record(
    snapshot: Path, harness: Harness, environment: Environment
) -> None:
    harness.world.mkdir(parents=True)
    (harness.world / "feed.json").write_text('{"changes": []}')
    baselines.restore("may", environment, harness, seed=11)
    record = resume(harness)
    clock = Clock(environment.clock)

    assert (clock.now(), clock.speed()) == (baselines.present("may"), 0.0)
    assert (record.noted("frozen"), record.noted("seed")) == (True, 11)
    assert record.counts() == {"events_sent": 0, "answers": 0}
    assert not (harness.world / "feed.json").exists()

    record.close()


def test_another_baseline_cannot_be_verified(snapshot: Path, harness: Harness, environment: Environment) -> None:
    baselines.restore("may", environment, harness)

    with pytest.raises(BaselineError, match="restored last is 'may-cafe', not 'june'"):
        baselines.verify("june", environment, harness)


def test_the_champion_is_found_by_what_it_holds(state: Path, harness: Harness) -> None:
    """Wherever the registry keeps its tables: only PostgreSQL's server could read them there."""
    models = state / "mlflow" / "artifacts"
    for run, content in (("one", b"previous"), ("two", b"champion")):
        (models / run).mkdir(parents=True)
        (models / run / "model.onnx").write_bytes(content)
    path = harness.baselines / "may-cafe"
    path.parent.mkdir(parents=True)
    baselines._take(state, path, {"champion": hashlib.sha256(b"champion").hexdigest()})
    found = baselines.champion(path)

    assert found == path / "state" / "mlflow" / "artifacts" / "two" / "model.onnx"
    found.unlink()
    with pytest.raises(BaselineError, match="holds no file of its champion"):
        baselines.champion(path)


def test_a_new_snapshot_takes_the_place_of_older_ones_of_its_name(harness: Harness) -> None:
    for name in ("may-1", "may-2", "june-1", "soak-2013-05-15-1"):
        (harness.baselines / name).mkdir(parents=True)
    baselines._forget_others(harness.baselines / "may-2")

    assert sorted(path.name for path in harness.baselines.iterdir()) == ["june-1", "may-2", "soak-2013-05-15-1"]


def test_the_warehouse_is_filled_up_to_the_present_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, datetime]] = []

    def read(data: Path, table: str, through: datetime) -> object:
        asked.append((table, through))
        return TABLES[table].schema.empty_table()

    monkeypatch.setattr(dataset, "read", read)
    baselines.fill(Warehouse(tmp_path), tmp_path, baselines.present("may"))

    assert asked == [(table, baselines.present("may")) for table in EVENT_TABLES]


def test_every_source_of_a_snapshot_exists() -> None:
    assert [source for source in baselines.SOURCES if not (ROOT / source).exists()] == []


def test_the_first_release_tells_nothing_of_how_this_checkout_came_about(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "platform").mkdir(parents=True)
    for name in ("platform/module.py", "ontime.toml"):
        (checkout / name).write_text("")
    for arguments in (("init", "-q"), ("add", "-A"), (*AUTHOR, "commit", "-qm", "The proctor sees the stale features")):
        release.git(checkout, *arguments)
    monkeypatch.setattr(baselines, "ROOT", checkout)
    environment.releases.mkdir(parents=True)

    baselines.place_release(environment, release.head(checkout))

    told = [path.read_text() for path in environment.state.rglob("*") if path.is_file()]
    assert len(told) == 4
    assert not any("proctor" in text or "stale" in text for text in told)
    assert release.entries(environment)[-1].subject == baselines.SUBJECT
