"""What `feast apply` applies: the one file that Feast imports."""

from feature_repo.entities import aircraft, airport, carrier, origin_hour, route
from feature_repo.fresh_views import aircraft_fresh, carrier_fresh, destination_fresh, origin_fresh, weather_fresh
from feature_repo.services import ontime_delay
from feature_repo.slow_views import aircraft_slow, carrier_slow, origin_hour_slow, route_slow

__all__ = [
    "aircraft",
    "aircraft_fresh",
    "aircraft_slow",
    "airport",
    "carrier",
    "carrier_fresh",
    "carrier_slow",
    "destination_fresh",
    "ontime_delay",
    "origin_fresh",
    "origin_hour",
    "origin_hour_slow",
    "route",
    "route_slow",
    "weather_fresh",
]
