"""The canonical events on disk: converted once from the archive, then read by everybody, never changed.

`<data>/<table>.parquet` in the warehouse's schemas, sorted by `available_at`, for the whole year; `manifest.json`
beside them says from what they were made. It is harness state: flights after the present must not reach the platform.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from brownout.errors import DatasetError
from brownout.world import archive, tape
from ontime import contract, warehouse
from ontime.files import replace_text, replacing

EVENT_TABLES = ("schedules", "departures", "arrivals", "cancellations", "weather")
ROWS_PER_GROUP = 8192


def ensure(data: Path) -> Path:
    """Makes the canonical events exist under `data` and returns it; quick when they do. Raises `DatasetError`."""
    if _manifest(data).get("recipe") != recipe() or not all(_path(data, t).exists() for t in EVENT_TABLES):
        convert(archive.fetch(data), data)
    return data


def recipe() -> str:
    """Hash of all that the canonical events follow from: the archive, the code that converts it, the contract."""
    code = (Path(__file__).with_name(name).read_text() for name in ("canonical.py", "tape.py"))
    schemas = (str(warehouse.table(name).schema) for name in EVENT_TABLES)
    ranges = json.dumps(contract.EVENT.json_schema(), sort_keys=True)
    return hashlib.sha256("\0".join((archive.SHA256, *code, *schemas, ranges)).encode()).hexdigest()


def convert(source: Path, data: Path) -> None:
    """Writes all canonical tables, the manifest last, so that an interrupted conversion is done again."""
    from brownout.world import canonical

    published = archive.tables(source)
    tables = canonical.events(published["flights"], published["airports"], published["weather"])
    (data / "manifest.json").unlink(missing_ok=True)
    for name, rows in tables.items():
        with replacing(_path(data, name)) as draft:
            pq.write_table(rows, draft, compression="zstd", row_group_size=ROWS_PER_GROUP)
    tape.write(data, tables)
    content = {name: hashlib.sha256(_path(data, name).read_bytes()).hexdigest() for name in tables}
    manifest = {"recipe": recipe(), "content": content, "rows": {name: rows.num_rows for name, rows in tables.items()}}
    replace_text(data / "manifest.json", json.dumps(manifest, indent=1))


def content_hash(data: Path) -> str:
    """One hash over the canonical tables' bytes. Raises `DatasetError` when there are none."""
    content = _manifest(data).get("content")
    if not content:
        raise DatasetError(f"{data} holds no canonical events. Run `brownout up`, which makes them.")
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read(
    data: Path, table: str, after: datetime | None = None, through: datetime | None = None, by: str = "available_at"
) -> pa.Table:
    """Rows of one canonical table with after < `by` ≤ through, in the warehouse's schema.

    Raises `DatasetError` when the file is missing or unreadable.
    """
    limits = pc.scalar(True)
    if after is not None:
        limits = limits & (pc.field(by) > pa.scalar(after, warehouse.TIMESTAMP))
    if through is not None:
        limits = limits & (pc.field(by) <= pa.scalar(through, warehouse.TIMESTAMP))
    path = _path(data, table)
    try:
        return pq.read_table(path, filters=limits, partitioning=None, use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(
            f"{path} cannot be read ({error}). Remove {data / 'manifest.json'} and run `brownout up`."
        ) from error


def _path(data: Path, table: str) -> Path:
    return data / f"{warehouse.table(table).name}.parquet"


def _manifest(data: Path) -> dict[str, object]:
    try:
        found = json.loads((data / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
