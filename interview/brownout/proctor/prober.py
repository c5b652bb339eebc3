"""Runs an interview's probes and notes in the ledger what they answer: each change, and each run of ok that counts.

A run of ok is ended by `broken` alone; `unknown` neither lengthens nor ends it. A prober that starts in the middle
of an interview goes on from the ledger. Probes that may take a minute are asked in a thread of their own, one at a
time: no symptom waits for a gate's verdict.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from brownout import entries as e
from brownout.facts import ANSWERS, CONSECUTIVE
from brownout.interview import Interview
from brownout.ledger import Entry
from brownout.probes import Probe, ProbeResult, ProbeView
from brownout.proctor.answers import AnswerCount

log = logging.getLogger(__name__)

CHEAP_EVERY_SECONDS = 5.0
ON_CHANGE_EVERY_SECONDS = 60.0
PATIENCE = 2.0
"""A probe that takes long is not looked at again before this many times its duration."""


@dataclass
class _Run:
    since_wall: float
    since_world: float
    since_row: int
    consecutive: int = 0
    held: bool = False


@dataclass
class Watched:
    """One probe of one fault and what is known of it."""

    fault: str
    probe: Probe
    role: e.ProbeRole
    status: e.ProbeStatus | None = None
    run: _Run | None = None
    equal: int = 0
    due: float = 0.0
    troubles: set[str] = field(default_factory=set)

    @property
    def settled(self) -> bool:
        return self.equal >= CONSECUTIVE

    def every(self) -> float:
        """`on_change` probes are looked at as often as cheap ones until their answer has stood for a while."""
        return ON_CHANGE_EVERY_SECONDS if self.probe.cost == "on_change" and self.settled else CHEAP_EVERY_SECONDS


class _Aside:
    """One look of a slow probe, in a thread without which the process may end."""

    def __init__(self, watched: Watched, view: ProbeView, begun: float) -> None:
        self.watched, self.view, self.begun = watched, view, begun
        self.answer: ProbeResult | Exception | None = None
        self._thread = threading.Thread(target=self._look, name=watched.probe.name, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        self.answer = _asked(self.watched.probe, self.view)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)


class Prober:
    def __init__(
        self,
        interview: Interview,
        view: ProbeView,
        watched: Iterable[Watched],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._interview = interview
        self._view = view
        self._watched = list(watched)
        self._now = now
        self._answers = AnswerCount(interview.harness.record)
        self._aside: _Aside | None = None
        self._resume(interview.ledger.entries())

    def _resume(self, entries: Iterable[Entry]) -> None:
        known = {(w.fault, w.probe.name): w for w in self._watched}
        for entry in entries:
            if not isinstance(entry.payload, e.ProbeChanged | e.ProbeHeld):
                continue
            watched = known.get((entry.payload.fault, entry.payload.probe))
            if watched is None:
                continue
            if isinstance(entry.payload, e.ProbeHeld):
                if watched.run is not None:
                    watched.run.held = True
                continue
            watched.status = entry.payload.status
            if watched.status == "broken":
                watched.run = None
            elif watched.status == "ok" and watched.run is None:
                watched.run = _Run(entry.wall, entry.world, self._answers.last_before(entry.wall))

    def changed(self, wall: float) -> None:
        """The platform changed at wall second `wall`: older answers are no evidence, and every probe is due."""
        self._view = replace(self._view, since_wall=wall)
        for watched in self._watched:
            watched.due, watched.equal = 0.0, 0

    def look(self) -> dict[tuple[str, str], ProbeResult]:
        """Asks the probes that are due and notes what is new. Returns the results by (fault, probe)."""
        results = self._look_aside()
        for watched in self._watched:
            if watched.probe.cost == "on_change" or self._now() < watched.due:
                continue
            begun = self._now()
            answer = _asked(watched.probe, self._view)
            results[(watched.fault, watched.probe.name)] = self._take(watched, answer, begun)
        return results

    def wait(self, seconds: float) -> None:
        """Until the slow probe that is being asked has answered, at most so long; the next look takes its answer."""
        if self._aside is not None:
            self._aside.wait(seconds)

    def _look_aside(self) -> dict[tuple[str, str], ProbeResult]:
        """The slow probes' part: takes an answer that has come, and asks the one that is overdue most.

        An answer to a question from before the last change is nobody's evidence.
        """
        results: dict[tuple[str, str], ProbeResult] = {}
        if self._aside is not None:
            aside = self._aside
            if aside.answer is None:
                return results
            self._aside = None
            if aside.view is self._view:
                name = (aside.watched.fault, aside.watched.probe.name)
                results[name] = self._take(aside.watched, aside.answer, aside.begun)
        begun = self._now()
        due = [one for one in self._watched if one.probe.cost == "on_change" and one.due <= begun]
        if due:
            self._aside = _Aside(min(due, key=lambda one: one.due), self._view, begun)
        return results

    def _take(self, watched: Watched, answer: ProbeResult | Exception, begun: float) -> ProbeResult:
        ended = self._now()
        result = self._failed(watched, answer) if isinstance(answer, Exception) else answer
        self._note(watched, result, begun)
        watched.due = max(begun + watched.every(), ended + PATIENCE * (ended - begun))
        return result

    def _failed(self, watched: Watched, error: Exception) -> ProbeResult:
        """A probe that fails must not end the interview, nor count against anyone."""
        kind = type(error).__name__
        if kind not in watched.troubles:
            watched.troubles.add(kind)
            log.info("probe %s failed", watched.probe.name, exc_info=error)
            said = f"{watched.probe.name} of {watched.fault} failed: {kind}: {error}"
            self._interview.add("proctor", e.HarnessTrouble(part="probe", what=said[:400]))
        return ProbeResult("unknown", f"the probe itself failed: {kind}")

    def _note(self, watched: Watched, result: ProbeResult, begun: float) -> None:
        if result.status != watched.status:
            self._interview.add("proctor", _changed(watched, result))
            watched.status, watched.equal = result.status, 0
        watched.equal += 1
        if result.status == "broken":
            watched.run = None
        elif result.status == "ok":
            self._lengthen(watched, result, begun)

    def _lengthen(self, watched: Watched, result: ProbeResult, begun: float) -> None:
        if watched.run is None:
            watched.run = _Run(begun, self._view.world_now, self._answers.last())
        run = watched.run
        run.consecutive += 1
        if run.held or run.consecutive < CONSECUTIVE:
            return
        answers = self._answers.since(run.since_row)
        if answers >= ANSWERS:
            run.held = True
            self._interview.add(
                "proctor",
                e.ProbeHeld(
                    fault=watched.fault,
                    probe=watched.probe.name,
                    role=watched.role,
                    consecutive=run.consecutive,
                    answers=answers,
                    since_wall=run.since_wall,
                    since_world=run.since_world,
                    why=result.why[:400],
                ),
            )


def _asked(probe: Probe, view: ProbeView) -> ProbeResult | Exception:
    try:
        return probe.run(view)
    except Exception as error:  # whatever it is, the prober tells it
        return error


def _changed(watched: Watched, result: ProbeResult) -> e.ProbeChanged:
    return e.ProbeChanged(
        fault=watched.fault,
        probe=watched.probe.name,
        role=watched.role,
        status=result.status,
        why=result.why[:400],
        answers=max(result.answers, 0),
        measured=_finite(result.measured),
    )


def _finite(measured: Mapping[str, float]) -> dict[str, float]:
    """Without NaN and infinity, which a ledger refuses."""
    return {name: float(value) for name, value in measured.items() if abs(value) < float("inf")}
