"""How old are the fresh features that serving can read, by their times *and* by their values?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import httpx
import numpy as np
from pydantic import Field

from brownout.http import client
from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.online import StoredRow, StoreUnreadableError, stored_rows
from brownout.probes.record import LAG_SECONDS, LIVE_SECONDS, Record
from brownout.probes.truth import Row, Truth, moment

VIEWS = ("origin_fresh", "carrier_fresh")
COUNTED = ("origin_dep_delay_mean_1h", "origin_departures_1h", "origin_scheduled_next_2h", "carrier_dep_delay_mean_3h")


@dataclass(slots=True)
class _Since:
    """World second since which the rows have been fresh without a break."""

    world: float | None = None


class FreshAge(Probe):
    """World minutes between now and what the stored origin and carrier rows describe.

    A row that claims a time must hold what was true then, within a few grid points: rewritten times are no freshness.
    `unknown` when ingest does not answer, or nothing asks the world's questions.
    """

    kind: Literal["fresh_age"] = "fresh_age"
    max_age_minutes: float = Field(default=40.0, gt=0)
    max_false_share: float = Field(default=0.34, gt=0, lt=1, description="Rows whose values are not of their time.")
    ticks: int = Field(default=4, ge=1, le=12)
    steady_minutes: float = Field(
        default=0.0, ge=0, description="World minutes for which all of it must have held without a break to be ok."
    )

    def run(self, view: ProbeView) -> ProbeResult:
        try:
            client().get(f"{view.environment.ingest_url}/healthz", timeout=3).raise_for_status()
        except httpx.HTTPError as error:
            return ProbeResult("unknown", f"Ingest does not answer: {error}")
        traffic = Record(view.harness.record).traffic(time.time() - LIVE_SECONDS)
        if traffic.answers == 0:
            return ProbeResult("unknown", "No answers: the world asked nothing or nothing answered lately.")
        try:
            stored = {name: stored_rows(view.environment, name) for name in VIEWS}
        except StoreUnreadableError as error:
            return ProbeResult("unknown", f"The online store cannot be read: {error}")
        if not all(stored.values()):
            return ProbeResult("broken", "The online store holds no fresh rows of origins or carriers.")
        now = moment(view.world_now)
        age = max(self._age(now, rows) for rows in stored.values())
        truth = view.memory.keep("truth", lambda: Truth(view.harness.data))
        false, judged = self._false(truth, stored, now)
        measured = {"age_minutes": age, "false_share": false}
        allowed = self.max_age_minutes + LAG_SECONDS * view.world_speed_at(time.time()) / 60
        if age > allowed:
            why = f"Fresh rows at read are {age:.0f} world minutes old; {allowed:.0f} are allowed."
            return self._settled(view, ProbeResult("broken", why, traffic.answers, measured))
        if false > self.max_false_share:
            why = f"{false:.0%} of {judged} fresh rows claim a time whose values they do not hold."
            return self._settled(view, ProbeResult("broken", why, traffic.answers, measured))
        why = f"Fresh rows at read are {age:.0f} world minutes old and hold what was true then."
        return self._settled(view, ProbeResult("ok", why, traffic.answers, measured))

    def _settled(self, view: ProbeView, result: ProbeResult) -> ProbeResult:
        """A restart makes anything fresh for a while, so ok needs a time without a break."""
        since = view.memory.keep(f"fresh since/{self.model_dump_json()}", _Since)
        if result.status != "ok":
            since.world = None
            return result
        since.world = view.world_now if since.world is None else since.world
        held = (view.world_now - since.world) / 60
        if held >= self.steady_minutes:
            return result
        why = f"{result.why} It has held for {held:.0f} of {self.steady_minutes:.0f} world minutes."
        return ProbeResult("unknown", why, result.answers, result.measured)

    def _age(self, now: datetime, rows: Mapping[str, StoredRow]) -> float:
        """World minutes: the median row's age, so that a carrier that stopped flying is not held against anyone."""
        return float(np.median([(now - row.event_at) / timedelta(minutes=1) for row in rows.values()]))

    def _false(self, truth: Truth, stored: Mapping[str, Mapping[str, StoredRow]], now: datetime) -> tuple[float, int]:
        """Share of rows that no grid point up to their claimed time explains, and how many were judged."""
        verdicts: list[bool] = []
        for name, rows in stored.items():
            for key, row in rows.items():
                if row.event_at > now + timedelta(minutes=truth.every_minutes):
                    verdicts.append(False)
                    continue
                if row.event_at < now - timedelta(minutes=self.max_age_minutes):
                    continue
                ticks = truth.ticks_before(row.event_at, self.ticks)
                verdicts.append(any(_same(row, truth.fresh(at)[name].get(key, {})) for at in ticks))
        return (1 - float(np.mean(verdicts)) if verdicts else 0.0), len(verdicts)


def _same(row: StoredRow, reference: Row) -> bool:
    """Means within a minute, counts within one: an event that came late moves no more than that."""
    for name in COUNTED:
        if name not in row.values:
            continue
        stored, true = row.values[name], reference.get(name)
        if stored is None or true is None:
            if stored is not true:
                return False
            continue
        if abs(stored - true) > 1.0:
            return False
    return True
