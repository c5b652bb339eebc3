"""The world's own record: every event sent and every answer received. What the platform says of itself is judged by it.

SQLite in WAL mode: readers never block the world. A kill of the process loses nothing that was committed; the replay's
position is committed together with the events that it covers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from brownout.errors import WorldError

SCHEMA = """
CREATE TABLE IF NOT EXISTS events_sent (
    event_id TEXT PRIMARY KEY, kind TEXT, event_time REAL, available_at REAL, sent_wall REAL, status INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_sent_available_at ON events_sent (available_at);
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY, request_id TEXT, flight_id TEXT, asked_world REAL, asked_wall REAL, latency_ms REAL,
    code INTEGER, batch_size INTEGER, lead_minutes REAL, late_probability REAL, model_version TEXT, degraded INTEGER,
    reasons TEXT, error TEXT
);
CREATE INDEX IF NOT EXISTS answers_asked_world ON answers (asked_world);
CREATE INDEX IF NOT EXISTS answers_flight_id ON answers (flight_id);
CREATE TABLE IF NOT EXISTS control (name TEXT PRIMARY KEY, value TEXT);
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """One acknowledged event; `status` 200: accepted or known already, 422: refused. Times are Unix seconds."""

    event_id: str
    kind: str
    event_time: float
    available_at: float
    sent_wall: float
    status: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one flight; `code` 0 when nothing did. A batch's latency stands in each of its rows."""

    request_id: str
    flight_id: str
    asked_world: float
    asked_wall: float
    latency_ms: float
    code: int
    batch_size: int
    lead_minutes: float
    late_probability: float | None = None
    model_version: str | None = None
    degraded: int | None = None
    reasons: str | None = None
    error: str | None = None


class Record:
    """The world's connection; the only writer. Others open the file read-only."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(SCHEMA)
        except sqlite3.DatabaseError as error:
            raise WorldError(f"{path} cannot be used as the world's record: {error}. Restore a baseline.") from error

    def close(self) -> None:
        self._connection.close()

    def sent(self, rows: Iterable[Sent], **control: Any) -> None:
        """Commits acknowledged events together with `control` values; a resent event keeps its first row."""
        self._commit(
            "INSERT INTO events_sent VALUES (?,?,?,?,?,?) ON CONFLICT (event_id) DO NOTHING",
            map(astuple, rows),
            control,
        )

    def answered(self, rows: Iterable[Answer], **control: Any) -> None:
        self._commit("INSERT INTO answers VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?)", map(astuple, rows), control)

    def note(self, **control: Any) -> None:
        self._commit("", (), control)

    def noted(self, name: str, default: Any = None) -> Any:
        row = self._connection.execute("SELECT value FROM control WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def counts(self) -> dict[str, int]:
        one = self._connection.execute
        return {
            "events_sent": one("SELECT count(*) FROM events_sent").fetchone()[0],
            "answers": one("SELECT coalesce(max(id), 0) FROM answers").fetchone()[0],
        }

    def _commit(self, statement: str, rows: Iterable[tuple[Any, ...]], control: dict[str, Any]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if statement:
                self._connection.executemany(statement, rows)
            for name, value in control.items():
                self._connection.execute("INSERT OR REPLACE INTO control VALUES (?, ?)", (name, json.dumps(value)))
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
