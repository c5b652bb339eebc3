"""Is the served score the one that this model gives on the features that were true then?"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

import numpy as np
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.record import LAG_SECONDS, LIVE_SECONDS, Answer, Record
from brownout.probes.truth import Row, Truth, moment
from brownout.probes.versions import Versions, versions
from ontime.errors import OntimeError

SETTLE_SECONDS = 60.0
"""World time after a grid point at which its features can be there at the earliest."""
ROWS_A_RUN = 40
"""Answers judged in one run: enough to follow, few enough to stay below a twentieth of a core."""


@dataclass(frozen=True, slots=True)
class Judged:
    asked_wall: float
    deviation: float
    wrong: str = ""


@dataclass(slots=True)
class Judgements:
    """Each answer is judged once; the newest are kept."""

    last_id: int = 0
    kept: deque[Judged] = field(default_factory=lambda: deque(maxlen=2000))
    unfetched: str = ""


class ServedScorePath(Probe):
    """Recomputes answers with the model that gave them, on reference features of the proctor's own.

    An answer is right when the features of *any* of the last grid points and midnights explain it, so that healthy
    delays of a few minutes pass. `unknown` without answers; exact for any model, so a break shows within fifty answers.
    """

    kind: Literal["served_score_path"] = "served_score_path"
    max_deviation: float = Field(default=0.02, gt=0, description="|p served − p recomputed| of a right answer.")
    max_share: float = Field(default=0.10, gt=0, lt=1, description="Share of deviating answers that is still ok.")
    ticks: int = Field(default=5, ge=1, le=12, description="Grid points that may explain an answer.")
    midnights: int = Field(default=2, ge=1, le=4, description="Midnights that may explain an answer.")
    answers: int = Field(default=200, ge=20, description="Newest judged answers that the verdict rests on.")
    min_answers: int = Field(default=40, ge=1)

    def run(self, view: ProbeView) -> ProbeResult:
        state = view.memory.keep(f"judgements/{self.model_dump_json()}", Judgements)
        record = Record(view.harness.record)
        try:
            known = versions(view)
            known.look()
        except OntimeError as error:
            return ProbeResult("unknown", f"MLflow does not answer: {error}")
        if state.last_id == 0:
            state.last_id = max(record.last_id() - 3000, 0)
        new = record.answers(state.last_id, view.since_wall)
        if new:
            state.last_id = new[-1].id
            self._judge(view, known, state, _spread(new, ROWS_A_RUN))
        recent = [j for j in state.kept if j.asked_wall >= view.since_wall][-self.answers :]
        return self._verdict(view, state, recent, record)

    def _judge(self, view: ProbeView, known: Versions, state: Judgements, answers: list[Answer]) -> None:
        truth = view.memory.keep("truth", lambda: Truth(view.harness.data))
        by_version: dict[str, list[tuple[Answer, Row]]] = {}
        for answer in answers:
            flight = truth.flight(answer.flight_id, moment(answer.asked_world))
            if flight is None:
                continue
            if not known.allowed(answer.model_version, answer.asked_wall):
                state.kept.append(Judged(answer.asked_wall, 1.0, f"version {answer.model_version!r} is not champion"))
                continue
            by_version.setdefault(answer.model_version, []).append((answer, flight))
        for version, asked in by_version.items():
            try:
                deviations = self._deviations(view, truth, known, version, asked)
            except OntimeError as error:
                state.unfetched = str(error)
                continue
            state.kept.extend(Judged(a.asked_wall, d) for (a, _), d in zip(asked, deviations, strict=True))

    def _deviations(
        self, view: ProbeView, truth: Truth, known: Versions, version: str, asked: list[tuple[Answer, Row]]
    ) -> list[float]:
        """Of each answer, the smallest over the moments that may explain it; likely moments are tried first."""
        scorer = known.scorer(version)
        reach = np.array([self.ticks + self._lag(view, truth, answer) for answer, _ in asked])
        best = np.full(len(asked), np.inf)
        for midnight, tick in product(range(self.midnights), range(reach.max(initial=0))):
            open_ = np.flatnonzero((best > self.max_deviation) & (tick < reach))
            if not len(open_):
                continue
            rows = []
            for index in open_:
                answer, flight = asked[index]
                at = moment(answer.asked_world)
                settled = moment(answer.asked_world - SETTLE_SECONDS)
                rows.append(
                    (
                        flight,
                        truth.ticks_before(settled, tick + 1)[tick],
                        truth.midnights_before(at, midnight + 1)[midnight],
                    )
                )
            served = np.array([asked[index][0].late_probability for index in open_])
            best[open_] = np.minimum(best[open_], np.abs(scorer.score(truth.matrix(rows)) - served))
        return [float(value) for value in best]

    def _lag(self, view: ProbeView, truth: Truth, answer: Answer) -> int:
        """Further grid points that pass while features are computed and written; only nights are that fast."""
        minutes = LAG_SECONDS * view.world_speed_at(answer.asked_wall) / 60
        return int(minutes // truth.every_minutes)

    def _verdict(self, view: ProbeView, state: Judgements, recent: list[Judged], record: Record) -> ProbeResult:
        traffic = record.traffic(time.time() - LIVE_SECONDS)
        if traffic.answers + traffic.failures == 0:
            return ProbeResult("unknown", "No answers: the world asked nothing or nothing answered lately.")
        if traffic.failing:
            return ProbeResult("unknown", f"Serving fails: {traffic.last_error}.")
        if len(recent) < self.min_answers:
            why = f"Only {len(recent)} answers judged so far; {self.min_answers} are needed. {state.unfetched}"
            return ProbeResult("unknown", why.strip(), len(recent))
        off = [j for j in recent if j.deviation > self.max_deviation]
        share = len(off) / len(recent)
        measured = {
            "deviating_share": share,
            "median_deviation": float(np.median([j.deviation for j in recent])),
            "p90_deviation": float(np.quantile([j.deviation for j in recent], 0.9)),
        }
        said = (
            f"{len(off)} of {len(recent)} served scores differ by more than {self.max_deviation:g} "
            "from the model run on the true features"
        )
        if share > self.max_share:
            named = next((j.wrong for j in off if j.wrong), "")
            return ProbeResult("broken", f"{said}{f' ({named})' if named else ''}.", len(recent), measured)
        return ProbeResult("ok", f"{said}: within {self.max_share:.0%}.", len(recent), measured)


def _spread(answers: list[Answer], count: int) -> list[Answer]:
    """At most `count` of them, evenly spread."""
    if len(answers) <= count:
        return answers
    return [answers[i] for i in np.linspace(0, len(answers) - 1, count).astype(int)]
