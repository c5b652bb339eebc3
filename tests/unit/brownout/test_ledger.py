# ruff: noqa: S608 - the tests forge ledgers with SQL on purpose
from __future__ import annotations

import math
import shutil
import sqlite3
import threading
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brownout.entries import KINDS, HarnessTrouble, Note, Payload, ProbeChanged, Started
from brownout.errors import LedgerCorruptError, LedgerError, LedgerRefusedError
from brownout.ledger import GENESIS, Ledger, salvage, verify

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PAYLOADS = st.one_of(
    st.builds(Note, text=TEXT),
    st.just(Started()),
    st.builds(HarnessTrouble, part=TEXT, what=TEXT),
    st.builds(
        ProbeChanged,
        fault=TEXT,
        probe=TEXT,
        role=st.just("symptom"),
        status=st.sampled_from(["ok", "broken", "unknown"]),
        why=TEXT,
        measured=st.dictionaries(TEXT, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    ),
)
TIMES = st.floats(min_value=0, max_value=4e9, allow_nan=False)
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_number = count()


def _ledger(folder: Path, payloads: list[Payload]) -> Ledger:
    ledger = Ledger.create(folder / f"{next(_number)}.db")
    for payload in payloads:
        ledger.append("proctor", payload, world=1.5, wall=2.5)
    return ledger


def _tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)


@QUICK
@given(payloads=st.lists(PAYLOADS, max_size=8), world=TIMES, wall=TIMES)
def test_what_was_appended_is_read_back(tmp_path: Path, payloads: list[Payload], world: float, wall: float) -> None:
    ledger = Ledger.create(tmp_path / f"{next(_number)}.db")

    for payload in payloads:
        ledger.append("candidate", payload, world=world, wall=wall)

    entries = Ledger(ledger.path).entries()
    assert [e.payload for e in entries] == payloads
    assert {(e.world, e.wall, e.actor) for e in entries} <= {(world, wall, "candidate")}
    assert verify(ledger.path).ok
    assert ledger.head() == (len(payloads), entries[-1].hash if entries else GENESIS)


@QUICK
@given(
    payloads=st.lists(PAYLOADS, min_size=3, max_size=8),
    column=st.sampled_from(["world", "wall", "kind", "actor", "payload", "prev", "hash"]),
    data=st.data(),
)
def test_any_changed_column_is_found(tmp_path: Path, payloads: list[Payload], column: str, data: st.DataObject) -> None:
    ledger = _ledger(tmp_path, payloads)
    seq = data.draw(st.integers(1, len(payloads)))
    value = {
        "world": "world + 0.001",
        "wall": "wall - 0.001",
        "kind": "'started_'",
        "actor": "'interviewer'",
        "payload": "payload || ' '",
        "prev": "'00'",
        "hash": "'00'",
    }[column]

    _tamper(ledger.path, f"UPDATE entries SET {column} = {value} WHERE seq = {seq}")

    checked = verify(ledger.path)
    assert not checked.ok
    assert checked.entries == seq - 1
    assert checked.problems[0].seq == seq


@QUICK
@given(payloads=st.lists(PAYLOADS, min_size=3, max_size=8), data=st.data())
def test_a_removed_middle_is_found_even_when_renumbered(
    tmp_path: Path, payloads: list[Payload], data: st.DataObject
) -> None:
    ledger = _ledger(tmp_path, payloads)
    gone = data.draw(st.integers(1, len(payloads) - 1))
    renumber = data.draw(st.booleans())

    moves = [f"UPDATE entries SET seq = seq - 1 WHERE seq = {n}" for n in range(gone + 1, len(payloads) + 1)]
    _tamper(ledger.path, f"DELETE FROM entries WHERE seq = {gone}", *(moves if renumber else []))

    checked = verify(ledger.path)
    assert not checked.ok
    assert checked.entries == gone - 1


@QUICK
@given(size=st.integers(2, 8), data=st.data())
def test_two_entries_in_another_order_are_found(tmp_path: Path, size: int, data: st.DataObject) -> None:
    ledger = _ledger(tmp_path, [Note(text=str(n)) for n in range(size)])
    first = data.draw(st.integers(1, size - 1))
    second = data.draw(st.integers(first + 1, size))

    _tamper(
        ledger.path,
        f"UPDATE entries SET seq = seq + 100 WHERE seq IN ({first}, {second})",
        f"UPDATE entries SET seq = {second} WHERE seq = {first + 100}",
        f"UPDATE entries SET seq = {first} WHERE seq = {second + 100}",
    )

    checked = verify(ledger.path)
    assert not checked.ok
    assert checked.entries == first - 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET actor = 'candidate' WHERE seq = 1",
        "DELETE FROM entries WHERE seq = 2",
        "INSERT INTO entries SELECT seq + 7, world, wall, kind, actor, payload, prev, 'x' FROM entries WHERE seq = 2",
    ],
)
def test_sql_itself_refuses_changes(tmp_path: Path, statement: str) -> None:
    ledger = _ledger(tmp_path, [Note(text="a"), Note(text="b")])

    with closing(sqlite3.connect(ledger.path)) as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)

    assert verify(ledger.path).ok


def test_missing_triggers_are_reported(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, [Note(text="a")])
    with closing(sqlite3.connect(ledger.path)) as db:
        db.execute("DROP TRIGGER entries_never_go")

    assert "entries_never_go" in verify(ledger.path).problems[0].what


def test_a_damaged_file_says_what_survives(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, [Note(text="x" * 1500 + str(n)) for n in range(60)])
    with closing(sqlite3.connect(ledger.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = db.execute("PRAGMA page_size").fetchone()[0]
    size = ledger.path.stat().st_size
    with ledger.path.open("r+b") as file:
        file.seek(page * 18)
        file.write(b"\xff" * (size - page * 18))

    with pytest.raises(LedgerCorruptError, match=r"Entries 1 to \d+ survive") as caught:
        ledger.entries()

    checked = verify(ledger.path)
    assert not checked.ok
    assert 0 < caught.value.survivors < 60
    assert [e.seq for e in salvage(ledger.path)] == list(range(1, caught.value.survivors + 1))


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and then nothing", b"not a database at all " * 99])
def test_what_is_not_a_ledger_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "half.db"
    path.write_bytes(content)

    with pytest.raises(LedgerCorruptError, match=r"half\.db"):
        Ledger(path)
    assert not verify(path).ok


def test_an_unfinished_transaction_leaves_no_trace(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, [Note(text="kept")])
    db = sqlite3.connect(ledger.path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO entries VALUES (2, 1.0, 1.0, 'note', 'proctor', '{\"text\":\"lost\"}', 'p', 'h')")
    copy = tmp_path / "after-the-crash.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{ledger.path}{suffix}", f"{copy}{suffix}")
    db.close()

    assert [e.payload for e in Ledger(copy).entries()] == [Note(text="kept")]
    assert verify(copy).ok


def test_many_writers_and_readers_at_once_keep_one_chain(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, [])
    torn: list[int] = []

    def write(name: str) -> None:
        own = Ledger(ledger.path)
        for n in range(15):
            own.append("proctor", Note(text=f"{name}-{n}"))

    def read() -> None:
        own = Ledger(ledger.path)
        for _ in range(20):
            seen = [e.seq for e in own.entries()]
            if seen != list(range(1, len(seen) + 1)):
                torn.append(len(seen))

    threads = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(4)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ledger.entries()) == 60
    assert torn == []
    assert verify(ledger.path).ok


def test_a_ledger_is_never_written_over(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, [])

    with pytest.raises(LedgerError, match="never written over"):
        Ledger.create(ledger.path)
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path, [])
    payload = ProbeChanged(fault="f", probe="p", role="symptom", status="ok", why="", measured={"x": math.inf})

    with pytest.raises(LedgerRefusedError, match="finite"):
        ledger.append("proctor", payload)


def test_an_unknown_actor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerRefusedError, match="'passer-by'"):
        _ledger(tmp_path, []).append("passer-by", Started())  # type: ignore[arg-type]


def test_entry_kinds_forbid_unknown_keys() -> None:
    assert all(cls.model_config["extra"] == "forbid" and cls.model_config["frozen"] for cls in KINDS.values())
    assert len(KINDS) == len({cls.__name__ for cls in KINDS.values()})
