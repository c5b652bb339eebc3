"""Ingest's HTTP service: `POST /events`, and what operators ask."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import pyarrow as pa
from fastapi import FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from ontime.clock import Clock
from ontime.contract import Event
from ontime.errors import WarehouseError
from ontime.features import local_midnight
from ontime.ingest import metrics
from ontime.ingest.fresh import FreshPath
from ontime.ingest.intake import Intake
from ontime.ingest.landing import Landing
from ontime.ingest.rebuild import recover
from ontime.ingest.rows import EVENT_TABLES, tables
from ontime.ingest.watermark import Watermark
from ontime.ingest.writer import Writer
from ontime.online import OnlineFeatures
from ontime.settings import Behaviour, Environment
from ontime.warehouse import Warehouse

MAX_EVENTS = 2000
DEDUPE_DAYS = 7
"""World days whose event ids are kept; the warehouse's keys deduplicate anything older."""
QUIET = timedelta(minutes=15)

log = logging.getLogger("ontime.ingest")


class EventsBody(BaseModel):
    events: Annotated[list[dict[str, Any]], Field(max_length=MAX_EVENTS, description="Events of the contract.")]


class Refused(BaseModel):
    index: int
    event_id: str | None
    field: str
    reason: str


class EventsAnswer(BaseModel):
    """Accepted events are durable. Refused ones are kept in the dead-letter table, with the reason."""

    accepted: int
    duplicates: int
    rejected: list[Refused]


class Ingest:
    """The parts of ingest, wired together for one environment."""

    def __init__(self, environment: Environment, behaviour: Behaviour) -> None:
        settings = behaviour.ingest
        self.clock = Clock(environment.clock)
        self.warehouse = Warehouse(environment.warehouse)
        self.landing = Landing(environment.landing)
        self.history = timedelta(hours=settings.history_hours)
        self.writer = Writer(self.warehouse, settings.flush_seconds)
        self.fresh = FreshPath(
            self.clock,
            lambda: OnlineFeatures.open(environment),
            self.writer.add,
            Watermark(QUIET),
            settings.fresh_every_minutes,
            self.history,
        )
        self.intake = Intake(self.landing, self.warehouse, self._deliver)

    def _deliver(self, events: Sequence[Event], ingested_at: datetime) -> None:
        for name, rows in tables(events, ingested_at).items():
            self.writer.add(name, rows)
        self.fresh.observe(events, ingested_at)

    def start(self) -> None:
        """Carries into the warehouse what a crash left in the landing, then takes up the recent past."""
        now = self.clock.now()
        recovered = recover(self.landing, self.warehouse)
        known = self.intake.remember((now - timedelta(days=DEDUPE_DAYS)).date())
        for name in EVENT_TABLES:
            self.fresh.load(name, self._recent(name, now))
        self.writer.start()
        self.fresh.start()
        log.info("world %s: %d events known, %d recovered from the landing", now.isoformat(), known, recovered)

    def _recent(self, name: str, now: datetime) -> pa.Table:
        return self.warehouse.read(name, (local_midnight(now) - self.history).date())

    def stop(self) -> None:
        self.fresh.stop()
        self.writer.stop()


def create_app(environment: Environment, behaviour: Behaviour) -> FastAPI:
    """The ASGI application; its parts start with it and stop with it."""
    ingest = Ingest(environment, behaviour)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ingest.start()
        try:
            yield
        finally:
            ingest.stop()

    app = FastAPI(title="ontime ingest", version="1", lifespan=lifespan)

    @app.post("/events", responses={503: {"description": "Nothing was accepted; send it again later."}})
    def events(body: EventsBody) -> EventsAnswer:
        """Takes up to 2,000 events. Each is accepted, known already, or refused with the field and the reason."""
        try:
            receipt = ingest.intake.take(body.events, ingest.clock.now())
        except WarehouseError as error:
            raise HTTPException(503, str(error)) from error
        refused = [
            Refused(index=r.index, event_id=r.event_id, field=r.field, reason=r.reason) for r in receipt.rejected
        ]
        return EventsAnswer(accepted=len(receipt.accepted), duplicates=receipt.duplicates, rejected=refused)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/metrics", include_in_schema=False)
    def read_metrics() -> Response:
        metrics.LANDING_BYTES.set(ingest.landing.size_bytes())
        return Response(generate_latest(metrics.REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return app
