"""What crosses a boundary: upstream events, prediction requests and answers, and the features of the model.

Every model forbids unknown fields. Times are timezone-aware and kept in UTC; units stand in the names.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    model_validator,
)

ORIGINS = ("EWR", "JFK", "LGA")
LATE_AFTER_MINUTES = 15.0
MAX_BATCH = 500
NEW_YORK = "America/New_York"


def _utc(moment: datetime) -> datetime:
    """Times beyond any calendar in use are refused before arithmetic with them can overflow."""
    if not 1970 <= moment.year <= 2200:
        raise ValueError("the year is outside 1970 to 2200")
    return moment.astimezone(UTC)


def _written_out(moment: object) -> object:
    """Only a written date and time is one: a bare number would have to be guessed to be seconds or milliseconds."""
    if isinstance(moment, datetime) or (isinstance(moment, str) and moment[4:5] == "-"):
        return moment
    raise ValueError("Input should be a valid datetime: ISO 8601 with an offset")


UtcDatetime = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_utc)]
Number = Annotated[float, Strict()]
"""A JSON number, not a text that looks like one."""
Whole = Annotated[int, Strict()]
Airport = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["SFO"])]
Origin = Literal["EWR", "JFK", "LGA"]
Carrier = Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$", examples=["UA"])]
FlightId = Annotated[str, Field(min_length=8, max_length=40, examples=["2013-05-06-UA-1545-EWR"])]
TailNumber = Annotated[str, Field(pattern=r"^[A-Z0-9]{3,8}$", examples=["N14228"])]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScheduledFlight(Model):
    """One departure as the airline announces it: asked about in `/predict` and carried by schedule events."""

    flight_id: FlightId
    origin: Origin
    destination: Airport
    carrier: Carrier
    flight_number: Whole = Field(ge=1, le=9999)
    tail_number: TailNumber | None = Field(default=None, description="Aircraft assigned; null when none is yet.")
    sched_dep_at: UtcDatetime
    distance_miles: Number = Field(ge=10, le=6000)
    scheduled_minutes: Number = Field(gt=0, le=1200, description="Gate to gate, as scheduled.")

    @model_validator(mode="after")
    def _origin_is_not_destination(self) -> ScheduledFlight:
        if self.origin == self.destination:
            raise ValueError(f"destination {self.destination!r} equals origin; expected two different airports")
        return self


class _Event(Model):
    """`event_time` is when it happened, `available_at` when upstream could first tell; both world time."""

    event_id: str = Field(min_length=8, max_length=64)
    event_time: UtcDatetime
    available_at: UtcDatetime

    @model_validator(mode="after")
    def _known_after_it_happened(self) -> _Event:
        announced_ahead = self.__class__.__name__ == "ScheduleEvent"
        if not announced_ahead and self.available_at < self.event_time:
            raise ValueError("available_at is before event_time; an outcome cannot be known before it happens")
        return self


class ScheduleEvent(_Event):
    """A departure is announced, 36 hours ahead; `event_time` is its scheduled departure."""

    kind: Literal["schedule"] = "schedule"
    flight: ScheduledFlight


class DepartureEvent(_Event):
    """A flight left the gate."""

    kind: Literal["departure"] = "departure"
    flight_id: FlightId
    origin: Origin
    carrier: Carrier
    dep_delay_minutes: Number = Field(ge=-120, le=2880)


class ArrivalEvent(_Event):
    """A flight reached its gate: the label's source."""

    kind: Literal["arrival"] = "arrival"
    flight_id: FlightId
    origin: Origin
    destination: Airport
    carrier: Carrier
    tail_number: TailNumber | None = None
    arr_delay_minutes: Number = Field(ge=-240, le=2880)
    taxi_minutes: Number | None = Field(default=None, ge=0, le=600, description="Gate to gate minus airborne.")


class CancellationEvent(_Event):
    """A flight that will have no label: cancelled, or diverted elsewhere."""

    kind: Literal["cancellation"] = "cancellation"
    flight_id: FlightId
    origin: Origin
    carrier: Carrier
    outcome: Literal["cancelled", "diverted"]


class WeatherEvent(_Event):
    """The hourly observation at one origin."""

    kind: Literal["weather"] = "weather"
    airport: Origin
    wind_speed_mph: Number | None = Field(default=None, ge=0, le=150)
    wind_gust_mph: Number | None = Field(default=None, ge=0, le=200)
    visibility_miles: Number | None = Field(default=None, ge=0, le=20)
    precipitation_inches: Number | None = Field(default=None, ge=0, le=10)
    humidity_percent: Number | None = Field(default=None, ge=0, le=100)
    temperature_f: Number | None = Field(default=None, ge=-60, le=130)


Event = Annotated[
    ScheduleEvent | DepartureEvent | ArrivalEvent | CancellationEvent | WeatherEvent, Field(discriminator="kind")
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
EVENT_KINDS = ("schedule", "departure", "arrival", "cancellation", "weather")


class PredictBatch(Model):
    flights: list[ScheduledFlight] = Field(min_length=1, max_length=MAX_BATCH)


class Prediction(Model):
    """`late_probability` is P(arrival delay > 15 min). `degraded` answers rest on less than the full features."""

    flight_id: str
    late_probability: float = Field(ge=0, le=1)
    model_version: str = Field(description="Registered version, or 'fallback' when the route's prior answered.")
    degraded: bool
    reasons: list[str] = Field(description="Why the answer is degraded; empty when it is not.")


class PredictionBatch(Model):
    predictions: list[Prediction]


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the model. `view` is the feature view it is read from, `request` for the request itself."""

    name: str
    view: str
    unit: str
    low: float
    high: float
    nullable: bool = True


FEATURES: tuple[Feature, ...] = (
    Feature("sched_minute_of_day", "request", "minutes", 0, 1439, nullable=False),
    Feature("day_of_week", "request", "1=Monday", 1, 7, nullable=False),
    Feature("distance_miles", "request", "miles", 10, 6000, nullable=False),
    Feature("scheduled_minutes", "request", "minutes", 0, 1200, nullable=False),
    Feature("origin_is_ewr", "request", "0/1", 0, 1, nullable=False),
    Feature("origin_is_jfk", "request", "0/1", 0, 1, nullable=False),
    Feature("route_late_rate_28d", "route_slow", "share", 0, 1),
    Feature("route_mean_delay_28d", "route_slow", "minutes", -120, 600),
    Feature("route_flights_28d", "route_slow", "flights", 0, 5000),
    Feature("carrier_late_rate_28d", "carrier_slow", "share", 0, 1),
    Feature("carrier_late_rate_7d", "carrier_slow", "share", 0, 1),
    Feature("carrier_mean_delay_28d", "carrier_slow", "minutes", -120, 600),
    Feature("origin_hour_late_rate_28d", "origin_hour_slow", "share", 0, 1),
    Feature("origin_hour_mean_delay_28d", "origin_hour_slow", "minutes", -120, 600),
    Feature("aircraft_late_rate_28d", "aircraft_slow", "share", 0, 1),
    Feature("aircraft_mean_delay_28d", "aircraft_slow", "minutes", -120, 600),
    Feature("origin_dep_delay_mean_1h", "origin_fresh", "minutes", -120, 2880),
    Feature("origin_dep_delay_mean_3h", "origin_fresh", "minutes", -120, 2880),
    Feature("origin_late_share_1h", "origin_fresh", "share", 0, 1),
    Feature("origin_departures_1h", "origin_fresh", "flights", 0, 500),
    Feature("origin_queue", "origin_fresh", "flights", 0, 1000),
    Feature("origin_cancellations_6h", "origin_fresh", "flights", 0, 1000),
    Feature("origin_taxi_mean_3h", "origin_fresh", "minutes", 0, 600),
    Feature("origin_scheduled_next_2h", "origin_fresh", "flights", 0, 500),
    Feature("destination_arr_delay_mean_6h", "destination_fresh", "minutes", -240, 2880),
    Feature("carrier_dep_delay_mean_3h", "carrier_fresh", "minutes", -120, 2880),
    Feature("aircraft_prev_arr_delay", "aircraft_fresh", "minutes", -240, 2880),
    Feature("aircraft_slack_minutes", "aircraft_fresh", "minutes", -2880, 2880),
    Feature("wind_speed_mph", "weather_fresh", "mph", 0, 150),
    Feature("wind_gust_mph", "weather_fresh", "mph", 0, 200),
    Feature("visibility_miles", "weather_fresh", "miles", 0, 20),
    Feature("precipitation_inches", "weather_fresh", "inches", 0, 10),
    Feature("humidity_percent", "weather_fresh", "percent", 0, 100),
)
FEATURE_NAMES: tuple[str, ...] = tuple(f.name for f in FEATURES)
SLOW_VIEWS = ("route_slow", "carrier_slow", "origin_hour_slow", "aircraft_slow")
FRESH_VIEWS = ("origin_fresh", "destination_fresh", "carrier_fresh", "aircraft_fresh", "weather_fresh")
VIEWS = SLOW_VIEWS + FRESH_VIEWS


def contract_hash(features: tuple[Feature, ...] = FEATURES) -> str:
    """First 16 hex digits of a SHA-256 over names, order, views, units and ranges: what a model was trained on."""
    return hashlib.sha256(json.dumps([asdict(f) for f in features]).encode()).hexdigest()[:16]
