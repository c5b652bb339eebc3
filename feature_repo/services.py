"""One feature service a model contract: what a model trained under that contract reads for a flight."""

from feast import FeatureService

from feature_repo.fresh_views import aircraft_fresh, carrier_fresh, destination_fresh, origin_fresh, weather_fresh
from feature_repo.slow_views import aircraft_slow, carrier_slow, origin_hour_slow, route_slow
from ontime.contract import contract_hash

FLIGHT_JOIN_KEYS = {
    "origin": {"airport": "origin"},
    "destination": {"airport": "destination"},
    "tail_number": {"aircraft": "tail_number"},
}

ontime_delay = FeatureService(
    name=f"ontime_delay_{contract_hash()}",
    features=[
        route_slow,
        carrier_slow,
        origin_hour_slow,
        aircraft_slow.with_join_key_map(FLIGHT_JOIN_KEYS["tail_number"]),
        origin_fresh.with_join_key_map(FLIGHT_JOIN_KEYS["origin"]),
        destination_fresh.with_join_key_map(FLIGHT_JOIN_KEYS["destination"]),
        carrier_fresh,
        aircraft_fresh.with_join_key_map(FLIGHT_JOIN_KEYS["tail_number"]),
        weather_fresh.with_join_key_map(FLIGHT_JOIN_KEYS["origin"]),
    ],
    description="Everything but the request itself. A flight brings route, carrier, origin_hour, tail_number, "
    "origin and destination.",
    tags={"contract_hash": contract_hash()},
)
