"""Views that are minutes old: ingest computes their rows on a grid of world time and pushes them."""

from datetime import timedelta

from feast import Entity, FeatureView

from feature_repo.entities import aircraft, airport, carrier
from feature_repo.sources import push_source, schema
from ontime.contract import FRESH_VIEWS


def _fresh(name: str, entity: Entity, ttl: timedelta, description: str) -> FeatureView:
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=ttl,
        schema=schema(name),
        source=push_source(name),
        online=True,
        description=description,
        tags={"pace": "fresh", "writer": "ingest"},
    )


origin_fresh = _fresh(
    "origin_fresh", airport, timedelta(hours=6), "Delays, cancellations and congestion at an origin, last hours."
)
destination_fresh = _fresh(
    "destination_fresh", airport, timedelta(hours=6), "How late flights from New York arrived there, last six hours."
)
carrier_fresh = _fresh("carrier_fresh", carrier, timedelta(hours=6), "How late a carrier left, last three hours.")
aircraft_fresh = _fresh("aircraft_fresh", aircraft, timedelta(hours=48), "The aircraft's latest known arrival.")
weather_fresh = _fresh(
    "weather_fresh", airport, timedelta(hours=24), "Latest observation at an origin; its time is the observation's."
)

ALL = (origin_fresh, destination_fresh, carrier_fresh, aircraft_fresh, weather_fresh)
if tuple(view.name for view in ALL) != FRESH_VIEWS:
    raise ValueError(f"Fresh views {[view.name for view in ALL]} differ from the contract's {FRESH_VIEWS}.")
