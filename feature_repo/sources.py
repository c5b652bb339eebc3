"""Where rows of a view come from: its warehouse table offline, a push for what is minutes old."""

from feast import Field, FileSource, PushSource
from feast.data_format import ParquetFormat
from feast.types import FeastType, Float64, UnixTimestamp

from ontime.features import value_columns
from ontime.settings import environment
from ontime.warehouse import TABLES, TIMESTAMP


def table_source(view: str) -> FileSource:
    """The view's parquet files; a row's event_timestamp says when it held, created_at breaks ties."""
    return FileSource(
        name=f"{view}_table",
        path=str(environment().warehouse / view / "*.parquet"),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_at",
        description=f"Warehouse table {view}, written by {TABLES[view].writer}.",
    )


def push_source(view: str) -> PushSource:
    return PushSource(name=f"{view}_push", batch_source=table_source(view))


def schema(view: str) -> list[Field]:
    """The view's features as its warehouse table has them."""
    types = TABLES[view].schema
    return [Field(name=name, dtype=_dtype(types.field(name).type)) for name in value_columns(view)]


def _dtype(kind: object) -> FeastType:
    return UnixTimestamp if kind == TIMESTAMP else Float64
