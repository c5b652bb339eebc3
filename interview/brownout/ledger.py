"""The ledger: one append-only, hash-chained SQLite file an interview; everything else is derived from it.

Each entry carries the hash of the one before it, so a change, a gap or another order shows. An end that is cut
off shows only against a head noted elsewhere (each scorecard notes one). Triggers refuse UPDATE and DELETE.
Any number of processes may read while others append; each append is one fsynced transaction.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from brownout.entries import KINDS, Actor, Payload
from brownout.errors import LedgerCorruptError, LedgerError, LedgerRefusedError

APPLICATION_ID = 0x62726F77
SCHEMA_VERSION = 1
BUSY_SECONDS = 10.0
_COLUMNS = "seq, world, wall, kind, actor, payload, prev, hash"
_SCHEMA = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY CHECK (seq >= 1),
    world REAL NOT NULL,
    wall REAL NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL CHECK (actor IN ('interviewer', 'candidate', 'proctor', 'harness')),
    payload TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'a ledger is append-only: an entry never changes'); END;
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'a ledger is append-only: an entry is never removed'); END;
CREATE TRIGGER entries_only_follow BEFORE INSERT ON entries
WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM entries)
BEGIN SELECT RAISE(ABORT, 'a ledger is append-only: an entry only follows the last one'); END;
"""
_TRIGGERS = {"entries_never_change", "entries_never_go", "entries_only_follow"}

GENESIS = hashlib.sha256(b"brownout ledger, version 1").hexdigest()
"""What the first entry names as its predecessor."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger; `world` and `wall` are Unix seconds."""

    seq: int
    world: float
    wall: float
    kind: str
    actor: str
    payload: Payload
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Problem:
    """`seq` is 0 for what concerns the file as a whole."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """`entries` and `head` are those of the whole part of the chain, from the first entry on."""

    entries: int
    head: str
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def canonical(payload: Payload) -> str:
    """The one way a payload is written: sorted keys, no spaces, no NaN."""
    try:
        return json.dumps(
            payload.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
    except ValueError as error:
        raise LedgerRefusedError(f"Entry {payload.kind!r} holds a number that is not finite. Leave it out.") from error


def digest(seq: int, world: float, wall: float, kind: str, actor: str, payload: str, prev: str) -> str:
    """SHA-256 over every column of an entry and the hash of the one before it."""
    text = json.dumps([seq, repr(world), repr(wall), kind, actor, payload, prev], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    """One interview's ledger. Not for high rates: each append waits for the disk."""

    def __init__(self, path: Path) -> None:
        """Opens an existing ledger. Raises `LedgerError` when there is none, `LedgerCorruptError` when damaged."""
        self.path = path
        if not path.is_file():
            raise LedgerError(f"There is no ledger at {path}. `brownout interview SCENARIO` makes one.")
        with self._reading() as db:
            (application,) = db.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION_ID:
                raise LedgerCorruptError(f"{path} is not a ledger, or its first page is gone. Restore it from a copy.")

    @classmethod
    def create(cls, path: Path) -> Ledger:
        """A new, empty ledger, readable by its owner alone. Raises `LedgerError` when the file exists."""
        if path.exists():
            raise LedgerError(f"{path} exists. A ledger is never written over; choose another interview id.")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.executescript(_SCHEMA)
        return cls(path)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_SECONDS)) as db:
            db.execute("PRAGMA synchronous = FULL")
            yield db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._connection() as db:
                yield db
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise LedgerError(f"{self.path} stayed locked for {BUSY_SECONDS:g} s. Who holds it?") from error
            alive = len(salvage(self.path))
            raise LedgerCorruptError(
                f"{self.path} is damaged ({error}). Entries 1 to {alive} survive: `brownout verify --salvage` "
                "writes them to a new file."
                if alive
                else f"{self.path} is damaged ({error}) and no entry survives. Restore it from a copy.",
                alive,
            ) from error

    def append(self, actor: Actor, payload: Payload, world: float | None = None, wall: float | None = None) -> Entry:
        """Adds one entry; on return it is on the disk. Raises `LedgerRefusedError`, `LedgerCorruptError`."""
        return self._add(actor, lambda _: payload, world, wall)

    def decide(
        self, actor: Actor, decision: Callable[[tuple[Entry, ...]], Payload], world: float | None = None
    ) -> Entry:
        """Adds the entry that `decision` makes of all entries so far; nobody can add one in between.

        What `decision` raises is passed on, and nothing is added.
        """

        def make(db: sqlite3.Connection) -> Payload:
            rows = db.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY seq").fetchall()  # noqa: S608
            return decision(tuple(_entry(row) for row in rows))

        return self._add(actor, make, world, None)

    def _add(
        self, actor: Actor, make: Callable[[sqlite3.Connection], Payload], world: float | None, wall: float | None
    ) -> Entry:
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                payload = make(db)
                if KINDS.get(payload.kind) is not type(payload):
                    raise LedgerRefusedError(f"{type(payload).__name__} is no entry kind. Known: {', '.join(KINDS)}.")
                last = db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
                seq, prev = (last[0] + 1, last[1]) if last else (1, GENESIS)
                moment = time.time() if wall is None else wall
                head = (seq, float(moment if world is None else world), float(moment), payload.kind, actor)
                text = canonical(payload)
                row = (*head, text, prev, digest(*head, text, prev))
                db.execute(f"INSERT INTO entries ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", row)  # noqa: S608
                db.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                db.execute("ROLLBACK")
                raise LedgerRefusedError(f"The entry of {actor!r} was refused: {error}.") from error
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        return _entry(row)

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """All entries with a number above `after`, oldest first."""
        with self._reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM entries WHERE seq > ? ORDER BY seq", (after,)).fetchall()  # noqa: S608
        try:
            return tuple(_entry(row) for row in rows)
        except (ValueError, KeyError) as error:
            alive = len(salvage(self.path))
            raise LedgerCorruptError(
                f"{self.path} holds an entry that this version cannot read: {error}. "
                f"Entries 1 to {alive} survive; `brownout verify` names every problem.",
                alive,
            ) from error

    def head(self) -> tuple[int, str]:
        """Number and hash of the last entry; (0, GENESIS) when there is none."""
        with self._reading() as db:
            row = db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), str(row[1])) if row else (0, GENESIS)


def _entry(row: Sequence[object]) -> Entry:
    seq, world, wall, kind, actor, payload, prev, own = row
    return Entry(
        int(seq),  # type: ignore[call-overload]
        float(world),  # type: ignore[arg-type]
        float(wall),  # type: ignore[arg-type]
        str(kind),
        str(actor),
        KINDS[str(kind)].model_validate_json(str(payload)),
        str(prev),
        str(own),
    )


def _rows(path: Path) -> tuple[list[tuple[object, ...]], str]:
    """Every row that can still be read in order, and why reading stopped ("" at the end)."""
    rows: list[tuple[object, ...]] = []
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as db:
            for row in db.execute(f"SELECT {_COLUMNS} FROM entries ORDER BY seq"):  # noqa: S608
                rows.append(row)  # noqa: PERF402 - what was read before the damage must be kept
    except sqlite3.DatabaseError as error:
        return rows, str(error)
    return rows, ""


def _triggers(path: Path) -> set[str]:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as db:
            return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    except sqlite3.DatabaseError:
        return set()


def _check(rows: Sequence[tuple[object, ...]]) -> tuple[int, str, list[Problem]]:
    problems: list[Problem] = []
    whole, head, expected = 0, GENESIS, GENESIS
    for position, row in enumerate(rows, start=1):
        seq, own = int(row[0]), str(row[7])  # type: ignore[call-overload]
        before = len(problems)
        if seq != position:
            problems.append(Problem(seq, f"stands at place {position}: entries are missing or were added"))
        if row[6] != expected:
            problems.append(Problem(seq, "does not name the entry before it: something was removed, added or moved"))
        if digest(*row[:7]) != own:  # type: ignore[arg-type]
            problems.append(Problem(seq, "has another content than when it was written"))
        elif row[3] not in KINDS:
            problems.append(Problem(seq, f"is of kind {row[3]!r}, which this version does not know"))
        else:
            try:
                KINDS[str(row[3])].model_validate_json(str(row[5]))
            except ValidationError as error:
                problems.append(Problem(seq, f"has a payload outside its kind: {error.errors()[0]['msg']}"))
        if not problems and len(problems) == before:
            whole, head = position, own
        expected = own
    return whole, head, problems


def verify(path: Path) -> Verification:
    """Looks for any change, gap or reordering. Never raises for damage: it reports it."""
    if not path.is_file():
        return Verification(0, GENESIS, (Problem(0, f"there is no file {path}"),))
    rows, stopped = _rows(path)
    whole, head, problems = _check(rows)
    if stopped:
        problems.append(Problem(0, f"reading stopped after {len(rows)} entries: {stopped}"))
    elif missing := _TRIGGERS - _triggers(path):
        problems.append(Problem(0, f"no longer refuses changes: trigger {', '.join(sorted(missing))} is missing"))
    return Verification(whole, head, tuple(problems))


def salvage(path: Path) -> tuple[Entry, ...]:
    """The entries, from the first on, whose chain is whole; empty when none is."""
    rows, _ = _rows(path)
    whole, _, _ = _check(rows)
    return tuple(_entry(row) for row in rows[:whole])


def copy_whole(source: Path, target: Path) -> int:
    """Writes the whole part of a damaged ledger to a new one, hash for hash; returns how many entries."""
    whole = salvage(source)
    copy = Ledger.create(target)
    for entry in whole:
        copy.append(cast(Actor, entry.actor), entry.payload, world=entry.world, wall=entry.wall)
    return len(whole)
