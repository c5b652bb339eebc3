"""Curves of what probes measured, from Prometheus and the ledger, with what happened marked on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from brownout import entries as e
from brownout.console.known import Known
from brownout.errors import BrownoutError
from brownout.http import client
from brownout.proctor import prometheus, tokens
from brownout.settings import Harness

MOST_POINTS = 300
LEAST_STEP_SECONDS = 2
BEFORE_SECONDS = 60.0
TIMEOUT = httpx.Timeout(3.0, connect=0.5)
_UNITS = (("_ms", "ms"), ("_minutes", "min"), ("_seconds", "s"), ("_share", "of 1"), ("ratio", "×"))

Point = tuple[float, float]
Ask = Callable[[str, float, float, float], list[Point]]
"""A PromQL expression, start, end and step (wall seconds) to points."""


class OwnPrometheus:
    """The interviewer's Prometheus, behind its password."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def __call__(self, query: str, start: float, end: float, step: float) -> list[Point]:
        """Empty when it does not answer: the ledger's own points remain."""
        try:
            auth = (prometheus.USER, tokens.read(self._harness, "prometheus"))
            answer = client().get(
                f"{self._harness.prometheus_url}/api/v1/query_range",
                params={"query": query, "start": f"{start:.0f}", "end": f"{end:.0f}", "step": f"{step:.0f}"},
                auth=auth,
                timeout=TIMEOUT,
            )
            found = answer.json()["data"]["result"]
        except (httpx.HTTPError, BrownoutError, ValueError, KeyError, TypeError):
            return []
        values = found[0]["values"] if found else []
        return [(float(at), float(text)) for at, text in values if math.isfinite(float(text))]


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure of one probe."""

    fault: str
    probe: str
    figure: str

    @property
    def key(self) -> str:
        return f"{self.fault}-{self.probe}-{self.figure}".replace("_", "-")

    @property
    def title(self) -> str:
        return f"{self.figure.replace('_', ' ')}"

    @property
    def unit(self) -> str:
        return next((unit for end, unit in _UNITS if self.figure.endswith(end)), "")


def curves(known: Known) -> dict[str, list[Curve]]:
    """By fault: every figure that its symptom probes have measured."""
    found: dict[str, dict[Curve, None]] = {record.fault: {} for record in known.created.faults}
    symptom = {(r.fault, p) for r in known.created.faults for p in r.symptom_probes}
    for entry in known.entries:
        changed = entry.payload
        if isinstance(changed, e.ProbeChanged) and (changed.fault, changed.probe) in symptom:
            for name in changed.measured:
                found[changed.fault][Curve(changed.fault, changed.probe, name)] = None
    return {fault: list(them) for fault, them in found.items()}


def draw(known: Known, curve: Curve, ask: Ask, now: float) -> dict[str, Any]:
    """What `plot.js` draws: from a minute before the onset (or the first look) to the end of the watch, or now."""
    facts = known.facts
    first = facts.onset[0] if facts.onset else facts.created.wall
    start = min(first, *(f.injected.wall for f in facts.faults if f.injected), now) - BEFORE_SECONDS
    ended = facts.closed is not None and not facts.watching
    end = min(now, facts.watch_until or now) if ended else now
    end = max(end, start + 120)
    step = max(LEAST_STEP_SECONDS, math.ceil((end - start) / MOST_POINTS))
    query = (
        f'brownout_probe_figure{{interview="{facts.interview}",fault="{curve.fault}",probe="{curve.probe}",'
        f'figure="{curve.figure}"}}'
    )
    points = {**dict(_told(known, curve)), **dict(ask(query, start, end, step))}
    zero = facts.started.wall if facts.started else first
    return {
        "unit": curve.unit,
        "series": [{"name": curve.title, "points": sorted(points.items())}],
        "limit": None,
        "marks": marks(known),
        "from": start,
        "until": end,
        "zero": zero,
        "why": "Nothing measured yet: probes look from the start on.",
    }


def _told(known: Known, curve: Curve) -> list[Point]:
    """Points that the ledger holds: a probe's figures when its answer changed."""
    return [
        (round(entry.wall, 1), entry.payload.measured[curve.figure])
        for entry in known.entries
        if isinstance(entry.payload, e.ProbeChanged)
        and (entry.payload.fault, entry.payload.probe) == (curve.fault, curve.probe)
        and curve.figure in entry.payload.measured
    ]


def marks(known: Known) -> list[dict[str, Any]]:
    """What happened, oldest first: onset, start, deploys and other actions, pauses, findings, hints, close."""
    found: list[tuple[float, str, str]] = []
    if known.facts.onset is not None:
        found.append((known.facts.onset[0], "Onset", "the fault took effect"))
    for entry in known.entries:
        mark = _mark(entry.payload)
        if mark is not None:
            found.append((entry.wall, *mark))
    return [{"wall": wall, "letter": letter, "text": text} for wall, letter, text in sorted(found)]


_ACTIONS = {
    "deploy": "Deploy",
    "alias": "Alias",
    "dag_run": "DAG",
    "restart": "Restart",
    "feed": "Feed",
    "data": "Data",
}


def _mark(payload: e.Payload) -> tuple[str, str] | None:
    match payload:
        case e.Started():
            return "Start", "the time box begins"
        case e.Change():
            return _ACTIONS[payload.what], payload.detail
        case e.Paused():
            return "‖", f"paused: {payload.reason}"
        case e.Resumed():
            return "▸", "resumed"
        case e.Finding():
            return f"F{payload.finding}", f"finding {payload.finding}: {payload.component}, {payload.failure_class}"
        case e.Hint():
            return f"H{payload.number}", f"hint {payload.number}"
        case e.Closed():
            return "Close", f"closed: {payload.reason}"
    return None


def find(known: Known, key: str) -> Curve | None:
    every: Sequence[Curve] = [curve for them in curves(known).values() for curve in them]
    return next((curve for curve in every if curve.key == key), None)
