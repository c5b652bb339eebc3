"""What ingest tells Prometheus. Times are world time."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

EVENTS = Counter(
    "ontime_events",
    "Upstream events by kind and outcome (accepted, duplicate, rejected).",
    ["kind", "outcome"],
    registry=REGISTRY,
)
REJECTED = Counter(
    "ontime_events_rejected",
    "Events that broke the contract, by kind and the field that did.",
    ["kind", "field"],
    registry=REGISTRY,
)
FRESH_TICKS = Counter("ontime_fresh_ticks", "Computations of the fresh features.", registry=REGISTRY)
FRESH_ROWS = Counter("ontime_fresh_rows", "Fresh feature rows pushed to the online store.", ["view"], registry=REGISTRY)
FRESH_FAILURES = Counter(
    "ontime_fresh_failures", "Computations of the fresh features that failed and are tried again.", registry=REGISTRY
)
FRESH_SECONDS = Histogram(
    "ontime_fresh_tick_seconds",
    "Wall seconds to compute and push the fresh features once.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)
WATERMARK = Gauge(
    "ontime_fresh_watermark_timestamp_seconds",
    "World time up to which upstream's events are taken to be complete.",
    registry=REGISTRY,
)
LANDING_BYTES = Gauge("ontime_landing_bytes", "Size of the landing.", registry=REGISTRY)
UNWRITTEN_ROWS = Gauge(
    "ontime_ingest_unwritten_rows", "Accepted rows landed but not yet in the warehouse.", registry=REGISTRY
)
WRITE_FAILURES = Counter(
    "ontime_ingest_write_failures", "Writes to the warehouse that failed and are tried again.", registry=REGISTRY
)
