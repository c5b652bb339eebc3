"""What every feature means, said again in the plainest Python: the yardstick for the SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.unit.ontime.features.flights import Rows

NEW_YORK = ZoneInfo("America/New_York")


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _lately(rows: list[dict[str, Any]], at: datetime, hours: int) -> list[dict[str, Any]]:
    return [row for row in rows if at - timedelta(hours=hours) <= row["available_at"] <= at]


def fresh(rows: Rows, flight: dict[str, Any], at: datetime) -> dict[str, Any]:
    origin = {name: [r for r in some if r.get("origin") == flight["origin"]] for name, some in rows.items()}
    one_hour = [r["dep_delay_minutes"] for r in _lately(origin["departures"], at, 1)]
    gone = {r["flight_id"] for name in ("departures", "cancellations") for r in rows[name] if r["available_at"] <= at}
    announced = [r for r in origin["schedules"] if r["available_at"] <= at]
    ahead = timedelta(hours=2)
    landed = [
        r
        for r in _lately(rows["arrivals"], at, 48)
        if r["tail_number"] == flight["tail_number"] and r["tail_number"] is not None
    ]
    last = max(landed, key=lambda r: (r["available_at"], r["event_time"], r["event_id"]), default=None)
    observed = [r for r in _lately(rows["weather"], at, 72) if r["airport"] == flight["origin"]]
    sky = max(observed, key=lambda r: r["available_at"], default=None)
    return {
        "origin_dep_delay_mean_1h": _mean(one_hour),
        "origin_dep_delay_mean_3h": _mean([r["dep_delay_minutes"] for r in _lately(origin["departures"], at, 3)]),
        "origin_late_share_1h": _mean([float(delay > 15) for delay in one_hour]),
        "origin_departures_1h": len(one_hour),
        "origin_queue": sum(at - ahead <= r["sched_dep_at"] <= at and r["flight_id"] not in gone for r in announced),
        "origin_cancellations_6h": sum(r["outcome"] == "cancelled" for r in _lately(origin["cancellations"], at, 6)),
        "origin_taxi_mean_3h": _mean(
            [r["taxi_minutes"] for r in _lately(origin["arrivals"], at, 3) if r["taxi_minutes"] is not None]
        ),
        "origin_scheduled_next_2h": sum(at < r["sched_dep_at"] <= at + ahead for r in announced),
        "destination_arr_delay_mean_6h": _mean(
            [
                r["arr_delay_minutes"]
                for r in _lately(rows["arrivals"], at, 6)
                if r["destination"] == flight["destination"]
            ]
        ),
        "carrier_dep_delay_mean_3h": _mean(
            [r["dep_delay_minutes"] for r in _lately(rows["departures"], at, 3) if r["carrier"] == flight["carrier"]]
        ),
        "aircraft_prev_arr_delay": last and last["arr_delay_minutes"],
        "aircraft_prev_arrived_at": last and last["event_time"],
        "wind_speed_mph": sky and sky["wind_speed_mph"],
    }


def slow(rows: Rows, flight: dict[str, Any], midnight: datetime) -> dict[str, Any]:
    hours = {r["flight_id"]: _hour(r) for r in rows["schedules"]}
    kinds = {
        "route": ("28d", lambda r: (r["origin"], r["destination"])),
        "carrier": ("28d 7d", lambda r: r["carrier"]),
        "origin_hour": ("28d", lambda r: (r["origin"], hours.get(r["flight_id"]))),
        "aircraft": ("28d", lambda r: r["tail_number"]),
    }
    everyone = _mean([r["arr_delay_minutes"] for r in _days(rows["arrivals"], midnight, 28)]) or 0.0
    asked = flight | {"flight_id": None}
    hours[None] = _hour(flight)
    result: dict[str, Any] = {}
    for kind, (windows, key) in kinds.items():
        wanted = key(asked)
        mine = [r for r in rows["arrivals"] if wanted is not None and key(r) == wanted]
        known = bool(_days(mine, midnight, 56))
        for window in windows.split():
            some = _days(mine, midnight, int(window[:-1]))
            late = sum(r["arr_delay_minutes"] > 15 for r in some)
            result[f"{kind}_late_rate_{window}"] = (late + 20 * 0.23) / (len(some) + 20) if known else None
        month = _days(mine, midnight, 28)
        total = sum(r["arr_delay_minutes"] for r in month)
        result[f"{kind}_mean_delay_28d"] = (total + 20 * everyone) / (len(month) + 20) if known else None
        if kind == "route":
            result["route_flights_28d"] = len(month) if known else None
    return result


def _hour(flight: dict[str, Any]) -> int:
    return int(flight["sched_dep_at"].astimezone(NEW_YORK).hour)


def _days(rows: list[dict[str, Any]], midnight: datetime, days: int) -> list[dict[str, Any]]:
    today = midnight.astimezone(NEW_YORK).date()
    since = today - timedelta(days=days)
    return [r for r in rows if since <= r["available_at"].astimezone(NEW_YORK).date() < today]
