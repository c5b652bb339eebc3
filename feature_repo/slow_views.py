"""Views of the last weeks, recomputed for each local midnight and materialized from the warehouse."""

from datetime import timedelta

from feast import Entity, FeatureView

from feature_repo.entities import aircraft, carrier, origin_hour, route
from feature_repo.sources import schema, table_source
from ontime.contract import SLOW_VIEWS

TTL = timedelta(days=3)
"""Two missed midnights are survivable; older rows are refused by historical joins."""


def _slow(name: str, entity: Entity, description: str) -> FeatureView:
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=TTL,
        schema=schema(name),
        source=table_source(name),
        online=True,
        description=description,
        tags={"pace": "slow", "writer": "build_features"},
    )


route_slow = _slow("route_slow", route, "How late flights of a route arrived over 28 days.")
carrier_slow = _slow("carrier_slow", carrier, "How late flights of a carrier arrived over 28 and 7 days.")
origin_hour_slow = _slow("origin_hour_slow", origin_hour, "How late flights of an origin's hour arrived over 28 days.")
aircraft_slow = _slow("aircraft_slow", aircraft, "How late flights of an aircraft arrived over 28 days.")

ALL = (route_slow, carrier_slow, origin_hour_slow, aircraft_slow)
if tuple(view.name for view in ALL) != SLOW_VIEWS:
    raise ValueError(f"Slow views {[view.name for view in ALL]} differ from the contract's {SLOW_VIEWS}.")
