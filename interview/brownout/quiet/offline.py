"""Healthy windows without a stack: a record and stored rows made from the canonical events, with healthy delays.

The served score is what the model says on the features that a healthy platform would have read: those of a grid point
that is one to five minutes old, and for some hours of the morning still the slow ones of the day before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from brownout.probes import AnyProbe, ProbeResult, ProbeView, Reference
from brownout.probes.truth import Truth, moment
from brownout.quiet.verdict import Verdict
from brownout.quiet.windows import LENGTH, Window, windows
from brownout.settings import Harness
from brownout.world import dataset
from brownout.world.plan import Asks, chance
from brownout.world.record import Answer, Record
from brownout.world.tape import Tape
from ontime.clock import Segment, write_segments
from ontime.contract import NEW_YORK
from ontime.scorer import Scorer
from ontime.settings import Environment
from ontime.warehouse import Warehouse

JUDGED = ("served_score_path", "stored_rows_true", "world_alive")
"""Kinds of probes that judge nothing but the world's record, its canonical events and stored rows."""
LAG_SECONDS = (60.0, 300.0)
"""World seconds between a grid point and the moment at which its features can be read, at 120 times wall speed."""
SLOW_BY_HOUR = 12
"""Until this local hour, some answers still rest on the slow features of the day before."""
SLICES, ANSWERS_A_SLICE = 5, 50
VERSION = "1"
ZONE = ZoneInfo(NEW_YORK)


class OneVersion:
    """Stands for the registry: the one model, champion all along."""

    def __init__(self, model: Path) -> None:
        self._scorer = Scorer(model)
        self.reference = Reference(VERSION, model)

    def look(self) -> dict[str, int]:
        return {"champion": int(VERSION)}

    def champion(self) -> str:
        return VERSION

    def allowed(self, version: str, asked_wall: float) -> bool:
        return version == VERSION

    def scorer(self, version: str) -> Scorer:
        return self._scorer


@dataclass(frozen=True)
class Served:
    """One flight of a request, with the grid point and the midnight whose features it was answered on."""

    request: str
    batch: int
    asked: float
    flight: dict[str, Any]
    tick: datetime
    midnight: datetime


def look(
    probes: Iterable[AnyProbe], data: Path, model: Path, among: Sequence[Window] | None = None
) -> dict[str, Verdict]:
    """Every probe in every window, by name; a probe of another kind gets a verdict without results.

    `data`: the canonical events; `model`: any model of this contract, the baseline's champion by custom.
    """
    asked = {probe.name: probe for probe in probes}
    results: dict[str, dict[str, ProbeResult]] = {name: {} for name in asked}
    fit = {name: probe for name, probe in asked.items() if probe.kind in JUDGED}
    for window in (among or windows()) if fit else ():
        for name, result in _in_window(fit, window, data, model).items():
            results[name][str(window)] = result
    return {name: Verdict(name, "made from the canonical events", found) for name, found in results.items()}


def _in_window(probes: dict[str, AnyProbe], window: Window, data: Path, model: Path) -> dict[str, ProbeResult]:
    """The worst that each probe said while the window went by."""
    with tempfile.TemporaryDirectory(prefix="window-") as name:
        view = _view(Path(name), window, data, model)
        truth = view.memory.keep("truth", lambda: Truth(data))
        scorer = view.memory.keep("versions", lambda: OneVersion(model)).scorer(VERSION)
        record = Record(view.harness.record)
        served = list(_spread(_served(window, data, truth), SLICES * ANSWERS_A_SLICE))
        worst: dict[str, ProbeResult] = {}
        for first in range(0, len(served), ANSWERS_A_SLICE):
            _answer(record, served[first : first + ANSWERS_A_SLICE], truth, scorer)
            for probe_name, probe in probes.items():
                worst[probe_name] = _worse(worst.get(probe_name), probe.run(view))
        record.close()
    return worst


def _worse(before: ProbeResult | None, now: ProbeResult) -> ProbeResult:
    """Broken stays broken; ok counts more than not knowing."""
    rank: dict[Literal["ok", "broken", "unknown"], int] = {"unknown": 0, "ok": 1, "broken": 2}
    return now if before is None or rank[now.status] >= rank[before.status] else before


def _view(folder: Path, window: Window, data: Path, model: Path) -> ProbeView:
    """The proctor's side at the end of the window; the fault that never came would have come some time before it."""
    harness = Harness(state=folder / "harness", cache=folder / "harness")
    harness.world.mkdir(parents=True)
    (harness.state / "data").symlink_to(data)
    write_segments(harness.world / "clock.json", (Segment(0.0, window.ends.timestamp(), 0.0),))
    environment = Environment(state=folder / "platform")
    rows = dataset.read(data, "schedules", through=window.ends)
    since = window.begins - timedelta(days=1)
    Warehouse(environment.warehouse).replace("schedules", rows.filter(pc.greater_equal(rows["available_at"], since)))
    return ProbeView(
        environment=environment,
        harness=harness,
        reference=Reference(VERSION, model),
        onset_world=(window.begins - 2 * LENGTH).timestamp(),
    )


def _served(window: Window, data: Path, truth: Truth) -> list[Served]:
    asks = Asks(Tape(data), window.seed, (window.begins.timestamp(), ""))
    found: list[Served] = []
    for ask in asks.due(window.ends.timestamp(), 10_000):
        low, high = LAG_SECONDS
        lag = low + chance(window.seed, f"lag:{ask.name}:{ask.at}") * (high - low)
        at = moment(ask.at)
        newest, before = truth.midnights_before(at, 2)
        late = chance(window.seed, f"slow:{ask.name}:{ask.at}") > at.astimezone(ZONE).hour / SLOW_BY_HOUR
        for flight in ask.flights:
            known = truth.flight(flight["flight_id"], at)
            if known is not None:
                tick = truth.ticks_before(moment(ask.at - lag), 1)[0]
                request = f"{ask.name}:{ask.at:.0f}"
                found.append(Served(request, len(ask.flights), ask.at, dict(known), tick, before if late else newest))
    return found


def _spread(served: list[Served], count: int) -> Iterable[Served]:
    """At most so many of them, evenly spread over the window."""
    if len(served) <= count:
        return served
    return (served[index * len(served) // count] for index in range(count))


def _answer(record: Record, served: Sequence[Served], truth: Truth, scorer: Scorer) -> None:
    scores = scorer.score(truth.matrix([(one.flight, one.tick, one.midnight) for one in served]))
    now = time.time()
    record.answered(
        Answer(
            request_id=one.request,
            flight_id=one.flight["flight_id"],
            asked_world=one.asked,
            asked_wall=now,
            latency_ms=1.0,
            code=200,
            batch_size=one.batch,
            lead_minutes=60.0,
            late_probability=float(score),
            model_version=VERSION,
            degraded=0,
        )
        for one, score in zip(served, scores, strict=True)
    )
