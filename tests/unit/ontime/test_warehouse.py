"""The warehouse: writes that are idempotent and atomic, reads that say which file is broken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontime.errors import UnknownNameError, WarehouseError
from ontime.warehouse import TABLES, Warehouse

START = datetime(2013, 5, 6, tzinfo=UTC)
NAME = "carrier_fresh"
ROWS = st.lists(
    st.tuples(st.sampled_from(["UA", "B6"]), st.integers(0, 60 * 40), st.floats(-10, 10, allow_nan=False)), max_size=12
)


def rows(*found: tuple[str, int, float]) -> pa.Table:
    """Carrier, minutes after START, value."""
    return pa.Table.from_pylist(
        [
            {
                "carrier": carrier,
                "event_timestamp": START + timedelta(minutes=minutes),
                "created_at": START,
                "carrier_dep_delay_mean_3h": value,
            }
            for carrier, minutes, value in found
        ],
        schema=TABLES[NAME].schema,
    )


@settings(max_examples=30, deadline=None)
@given(batches=st.lists(ROWS, max_size=4))
def test_the_last_row_of_a_key_wins_and_writing_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int, float]]]
) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse"))
    expected: dict[tuple[str, datetime], float] = {}
    for batch in batches + batches[-1:]:
        warehouse.write(NAME, rows(*batch))
        expected |= {(carrier, START + timedelta(minutes=minutes)): value for carrier, minutes, value in batch}
    stored = warehouse.read(NAME).to_pylist()

    assert {(r["carrier"], r["event_timestamp"]): r["carrier_dep_delay_mean_3h"] for r in stored} == expected
    assert len(stored) == len(expected)


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda minute: warehouse.write(NAME, rows(("UA", minute, 1.0))), range(40)))

    assert warehouse.read(NAME).num_rows == 40


def test_only_the_days_asked_for_are_read(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.write(NAME, rows(("UA", 0, 1.0), ("UA", 60 * 24, 2.0), ("UA", 60 * 48, 3.0)))
    middle = warehouse.read(NAME, date(2013, 5, 7), date(2013, 5, 7))

    assert middle["carrier_dep_delay_mean_3h"].to_pylist() == [2.0]


def test_replace_removes_what_is_not_there_any_more(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.write(NAME, rows(("UA", 0, 1.0), ("UA", 60 * 24, 2.0)))
    warehouse.replace(NAME, rows(("B6", 0, 5.0)))

    assert warehouse.read(NAME)["carrier"].to_pylist() == ["B6"]


def test_a_corrupt_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.write(NAME, rows(("UA", 0, 1.0)))
    (path,) = warehouse.files(NAME)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(WarehouseError, match=r"2013-05-06\.parquet cannot be read .* repair it from the landing"):
        warehouse.read(NAME)


def test_rows_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="do not fit its schema"):
        Warehouse(tmp_path).write(NAME, pa.table({"carrier": ["UA"]}))


def test_an_unknown_table_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean arrivals"):
        Warehouse(tmp_path).read("arivals")


def test_an_empty_table_has_its_schema(tmp_path: Path) -> None:
    assert Warehouse(tmp_path).read(NAME).schema == TABLES[NAME].schema
