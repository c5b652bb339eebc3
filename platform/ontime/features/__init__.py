"""Point-in-time features: one SQL definition for training, backfill, parity, batch scoring and the fresh path."""

from ontime.features.as_of import point_in_time
from ontime.features.events import EVENT_TABLES, RecentEvents, events_connection, load_events
from ontime.features.keys import KEY_COLUMNS, entity_keys
from ontime.features.local_time import local_midnight, tick
from ontime.features.matrix import assemble, columns
from ontime.features.training import (
    LEAD_MINUTES,
    labelled_flights,
    requests_at,
    requests_before_departure,
    training_frame,
)
from ontime.features.views import entity_of, fresh_history, fresh_rows, fresh_rows_each, slow_rows, value_columns

__all__ = [
    "EVENT_TABLES",
    "KEY_COLUMNS",
    "LEAD_MINUTES",
    "RecentEvents",
    "assemble",
    "columns",
    "entity_keys",
    "entity_of",
    "events_connection",
    "fresh_history",
    "fresh_rows",
    "fresh_rows_each",
    "labelled_flights",
    "load_events",
    "local_midnight",
    "point_in_time",
    "requests_at",
    "requests_before_departure",
    "slow_rows",
    "tick",
    "training_frame",
    "value_columns",
]
