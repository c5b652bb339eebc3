"""How many answers the world has received: read from the world's own record, never from the platform."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


class AnswerCount:
    """Counts answered flights (code 200) after a row of the record. A record that is not there counts nothing."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def _one(self, query: str, *values: float) -> int:
        if not self._record.exists():
            return 0
        try:
            with closing(sqlite3.connect(f"file:{self._record}?mode=ro", uri=True, timeout=2.0)) as db:
                (number,) = db.execute(query, values).fetchone()
        except sqlite3.Error:
            return 0
        return int(number or 0)

    def last(self) -> int:
        """Id of the newest row."""
        return self._one("SELECT MAX(id) FROM answers")

    def last_before(self, wall: float) -> int:
        """Id of the newest row that was asked before wall second `wall`."""
        return self._one("SELECT MAX(id) FROM answers WHERE asked_wall < ?", wall)

    def since(self, row: int) -> int:
        return self._one("SELECT COUNT(*) FROM answers WHERE id > ? AND code = 200", row)
