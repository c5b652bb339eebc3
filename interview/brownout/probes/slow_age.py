"""Which midnight do the slow features describe that serving can read, by their times *and* by their values?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.online import StoredRow, StoreUnreadableError, stored_rows
from brownout.probes.record import LIVE_SECONDS, Record
from brownout.probes.truth import Row, Truth, moment
from ontime.contract import SLOW_VIEWS
from ontime.features import local_midnight, value_columns

SETTLE = timedelta(minutes=30)
"""World time after a midnight before which nobody can be asked to have looked at it."""


class SlowAge(Probe):
    """The stored rows of routes, carriers, origin hours and aircraft against those of the last midnight.

    A row must claim a recent midnight and hold what was true as of it: rewritten times are no repair. Midnights pass
    while the batch path works, so each that was the last one within `grace_seconds` of wall time is recent.
    """

    kind: Literal["slow_age"] = "slow_age"
    grace_seconds: float = Field(default=360.0, ge=0, description="A schedule's interval, and a run on a busy machine.")
    max_share: float = Field(default=0.1, gt=0, lt=1, description="Keys whose row is old or not of its time.")

    def run(self, view: ProbeView) -> ProbeResult:
        traffic = Record(view.harness.record).traffic(time.time() - LIVE_SECONDS)
        if traffic.answers == 0:
            return ProbeResult("unknown", "No answers: the world asked nothing or nothing answered lately.")
        try:
            stored = {name: stored_rows(view.environment, name) for name in SLOW_VIEWS}
        except StoreUnreadableError as error:
            return ProbeResult("unknown", f"The online store cannot be read: {error}")
        truth = view.memory.keep("truth", lambda: Truth(view.harness.data))
        recent = self._recent(view)
        shares = {name: _wrong(name, stored[name], truth, recent) for name in SLOW_VIEWS}
        worst = max(shares, key=lambda name: shares[name])
        claimed = [row.event_at for rows in stored.values() for row in rows.values()]
        age = (moment(view.world_now) - max(claimed)) / timedelta(hours=1) if claimed else float("nan")
        measured = {"wrong_share": shares[worst], "age_hours": age}
        why = f"{shares[worst]:.0%} of the rows of {worst} are not those of the midnight {recent[0]:%d %b %H:%MZ}"
        if shares[worst] > self.max_share:
            return ProbeResult("broken", f"{why}; the newest is {age:.0f} world hours old.", traffic.answers, measured)
        return ProbeResult("ok", f"{why}: within {self.max_share:.0%}.", traffic.answers, measured)

    def _recent(self, view: ProbeView) -> list[datetime]:
        """Midnights that a healthy store may hold now, newest first."""
        newest = local_midnight(moment(view.world_now))
        oldest = local_midnight(moment(view.world_at(time.time() - self.grace_seconds)) - SETTLE)
        found = [newest]
        while found[-1] > oldest:
            found.append(local_midnight(found[-1] - timedelta(hours=1)))
        return found


def _wrong(name: str, stored: Mapping[str, StoredRow], truth: Truth, recent: list[datetime]) -> float:
    """Share of the keys known at the oldest of the recent midnights whose row is old, absent or not of its time."""
    wanted = truth.slow(recent[-1])[name]
    right = 0
    for key in wanted:
        row = stored.get(key)
        right += row is not None and row.event_at in recent and _same(name, row, truth.slow(row.event_at)[name][key])
    return 1 - right / len(wanted) if wanted else 0.0


def _same(name: str, row: StoredRow, true: Row) -> bool:
    """Rates within a hundredth, minutes and flights within one: a straggler moves no more than that."""
    for column in value_columns(name):
        value = row.values.get(column)
        if value is None or abs(value - true[column]) > (0.01 if "_rate_" in column else 1.0):
            return False
    return True
