"""Reads the world's own record of what it asked and what it was answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

SINGLE, BATCH = "single", "batch"
LIVE_SECONDS = 20.0
"""Wall time without an answer after which there is no traffic."""
LAG_SECONDS = 2.0
"""Wall time that computing and writing fresh features may take; by night it is ten times as much world time."""
BATCH_FROM_FLIGHTS = 40
"""Requests of at least this many flights count as batches, half of the departure boards by day; what lies between one
and this counts as neither. Of a small board a slow model is as quick as a healthy one of a large board."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One flight, answered; times are Unix seconds."""

    id: int
    flight_id: str
    asked_world: float
    asked_wall: float
    late_probability: float
    model_version: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What came back lately: `answers` with a score, `failures` without one, `last_wall` the newest of either."""

    answers: int
    failures: int
    last_wall: float | None
    last_error: str

    @property
    def failing(self) -> bool:
        return self.failures > self.answers


@dataclass(frozen=True, slots=True)
class Requests:
    """What was asked in a stretch of time: `lost` of `count` requests, and how the last one of them ended."""

    count: int
    lost: int
    last: str

    @property
    def share(self) -> float:
        """Of lost ones; 0 when nothing was asked."""
        return self.lost / self.count if self.count else 0.0


class Record:
    """The record at `path`, opened for each reading; a record that is not there yet is an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists():
            yield None
            return
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)) as connection:
            yield connection

    def last_id(self) -> int:
        with self._open() as connection:
            if connection is None:
                return 0
            found = connection.execute("SELECT max(id) FROM answers").fetchone()[0]
            return int(found or 0)

    def answers(self, after_id: int, since_wall: float) -> list[Answer]:
        """Scored answers with a greater id, asked since then, oldest first."""
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT id, flight_id, asked_world, asked_wall, late_probability, coalesce(model_version, '') "
                "FROM answers WHERE id > ? AND asked_wall >= ? AND code = 200 AND late_probability IS NOT NULL "
                "ORDER BY id",
                (after_id, since_wall),
            ).fetchall()
        return [Answer(*row) for row in rows]

    def traffic(self, since_wall: float, rows: int = 5000) -> Traffic:
        """The newest `rows` rows, of those asked since then."""
        with self._open() as connection:
            if connection is None:
                return Traffic(0, 0, None, "")
            good, bad, last = connection.execute(
                "SELECT coalesce(sum(code = 200), 0), coalesce(sum(code <> 200), 0), max(asked_wall) FROM "
                "(SELECT * FROM answers ORDER BY id DESC LIMIT ?) WHERE asked_wall >= ?",
                (rows, since_wall),
            ).fetchone()
            error = connection.execute(
                "SELECT code, coalesce(error, '') FROM answers WHERE code <> 200 ORDER BY id DESC LIMIT 1"
            ).fetchone()
        told = f"{error[0]} {error[1]}".strip() if error and bad else ""
        return Traffic(int(good), int(bad), last, told)

    def requests(self, since_wall: float, until_wall: float, patience_ms: float) -> Requests:
        """Those asked from the first moment until before the second; one of many flights counts once.

        Lost is what got no score, or got it later than `patience_ms`.
        """
        with self._open() as connection:
            if connection is None:
                return Requests(0, 0, "")
            rows = connection.execute(
                "SELECT max(code), max(coalesce(error, '')), max(latency_ms), max(asked_wall) FROM answers "
                "WHERE asked_wall >= ? AND asked_wall < ? GROUP BY request_id ORDER BY 4",
                (since_wall, until_wall),
            ).fetchall()
        lost = [
            f"{code} {error}".strip() if code != 200 else f"an answer after {latency / 1000:.1f} s"
            for code, error, latency, _ in rows
            if code != 200 or latency > patience_ms
        ]
        return Requests(len(rows), len(lost), lost[-1] if lost else "")

    def latencies_ms(self, size: str, requests: int, since_wall: float, until_wall: float | None = None) -> list[float]:
        """Of the newest answered requests of one size, oldest first; at most `requests` of them."""
        wanted = "batch_size = 1" if size == SINGLE else "batch_size >= :batch"
        with self._open() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT max(latency_ms), max(id) FROM (SELECT * FROM answers ORDER BY id DESC LIMIT :scan) "  # noqa: S608
                "WHERE asked_wall >= :since AND (:until IS NULL OR asked_wall < :until) AND code = 200 "
                f"AND latency_ms IS NOT NULL AND {wanted} GROUP BY request_id ORDER BY 2 DESC LIMIT :requests",
                {
                    "scan": requests * 150 if size == BATCH else requests * 60,
                    "since": since_wall,
                    "until": until_wall,
                    "batch": BATCH_FROM_FLIGHTS,
                    "requests": requests,
                },
            ).fetchall()
        return [float(latency) for latency, _ in reversed(rows)]
