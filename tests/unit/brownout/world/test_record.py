from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from brownout.errors import WorldError
from brownout.world.record import Answer, Record, Sent

SENT = Sent("departure:x", "departure", 1.0, 2.0, 3.0, 200)
ANSWER = Answer("r", "x", 1.0, 2.0, 3.5, 200, 1, 60.0, 0.25, "1", 0, "[]")


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


def test_an_event_sent_twice_keeps_its_first_row(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")
    record.sent([SENT])
    record.sent([Sent("departure:x", "departure", 1.0, 2.0, 9.0, 200)], delivered=(2.0, "departure:x"))

    assert rows(tmp_path / "record.db", "events_sent") == [("departure:x", "departure", 1.0, 2.0, 3.0, 200)]
    assert record.noted("delivered") == [2.0, "departure:x"]

    record.close()


def test_answers_are_read_by_others_while_the_world_writes(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")
    record.answered([ANSWER])
    found = rows(tmp_path / "record.db", "answers")
    record.answered([ANSWER])

    assert found == [(1, "r", "x", 1.0, 2.0, 3.5, 200, 1, 60.0, 0.25, "1", 0, "[]", None)]
    assert record.counts() == {"events_sent": 0, "answers": 2}

    record.close()


def test_position_and_events_are_committed_together_or_not_at_all(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.db")
    record.sent([SENT], delivered=(2.0, "departure:x"))
    with pytest.raises(TypeError):
        record.sent([SENT], delivered=object())

    assert record.noted("delivered") == [2.0, "departure:x"]

    record.close()


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "record.db").write_text("this is not a database, however long it is made to be")

    with pytest.raises(WorldError, match=r"record\.db cannot be used"):
        Record(tmp_path / "record.db")
