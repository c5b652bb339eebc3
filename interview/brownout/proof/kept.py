"""Results of steps, kept in the harness's state, so that a proof goes on where it was interrupted."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict

from brownout.proof.rows import Row
from brownout.settings import Harness

PLACE, ROWS = "proof", "rows.jsonl"


def begun(here: Harness, fault_id: str) -> bool:
    """Whether that harness keeps rows of the fault, under whatever key."""
    return any((here.state / PLACE / fault_id).glob(f"*/{ROWS}"))


class Kept:
    """Rows of one fault under one key. `limit` of a shorter proof does not matter: its rows count in a longer one."""

    def __init__(self, here: Harness, fault_id: str, key: str) -> None:
        self.folder = here.state / PLACE / fault_id / key
        self._path = self.folder / ROWS

    def rows(self) -> dict[str, Row]:
        """The newest row of every step that was proved."""
        if not self._path.exists():
            return {}
        rows = [Row(**json.loads(line)) for line in self._path.read_text().splitlines()]
        return {row.step: row for row in rows if row.outcome == "proved"}

    def add(self, row: Row) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as out:
            out.write(json.dumps(asdict(row)) + "\n")

    def forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
