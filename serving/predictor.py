"""One request's flights → their answers: features, then the champion, the challenger for its share, or the prior."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ontime.clock import Clock
from ontime.contract import ScheduledFlight
from ontime.scorer import Matrix, Probabilities
from serving.features import FeatureReader, Features
from serving.log import Answered, PredictionLog
from serving.metrics import Metrics
from serving.models import ModelKeeper, Models, challenged

FALLBACK = "fallback"
NO_MODEL = "no_model"
ESSENTIAL = frozenset({"missing:origin_fresh", "missing:weather_fresh"})
"""Rows that every origin has. Without them the model's answers are worse calibrated than the route's own late rate
(log loss of May and June +.13 and +.16, against +.12 for the rate alone), so the rate answers."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to a request's flights, in their order."""

    probabilities: Probabilities
    versions: list[str]
    reasons: list[list[str]]


class Predictor:
    """Answers requests. Safe to share between threads."""

    def __init__(
        self,
        clock: Clock,
        features: FeatureReader,
        models: ModelKeeper,
        log: PredictionLog,
        metrics: Metrics,
        challenger_share: float,
        prior_late_rate: float,
    ) -> None:
        self._clock = clock
        self._features = features
        self._models = models
        self._log = log
        self._metrics = metrics
        self._challenger_share = challenger_share
        self._prior = prior_late_rate

    def answer(self, flights: Sequence[ScheduledFlight], request_id: str, started: float) -> Answers:
        """`started` is `time.perf_counter()` at the request's arrival."""
        models = self._models.current
        wall = time.time()
        world_micros = round(self._clock.world_seconds(wall) * 1e6)
        features = self._features.read(flights, world_micros)
        answers = self._score(flights, features, models)
        self._count(answers)
        self._log.put(
            Answered(
                request_id=request_id,
                world_micros=world_micros,
                wall_micros=round(wall * 1e6),
                latency_ms=(time.perf_counter() - started) * 1e3,
                flights=flights,
                matrix=features.matrix,
                view_times=features.view_times,
                probabilities=answers.probabilities,
                versions=answers.versions,
                reasons=answers.reasons,
                previous=models.previous,
            )
        )
        return answers

    def _score(self, flights: Sequence[ScheduledFlight], features: Features, models: Models) -> Answers:
        champion = models.champion
        if champion is None:
            reasons = [[NO_MODEL, *found] for found in features.reasons]
            return self._priors(features, reasons)
        if features.store_down:
            return self._priors(features, features.reasons)
        probabilities = champion.scorer.score(features.matrix)
        versions = [champion.name] * len(flights)
        challenger = models.challenger
        if challenger is not None and self._challenger_share > 0:
            mine = [i for i, f in enumerate(flights) if challenged(f.flight_id, self._challenger_share)]
            if mine:
                probabilities[mine] = challenger.scorer.score(_rows(features.matrix, mine))
                for i in mine:
                    versions[i] = challenger.name
        for i, found in enumerate(features.reasons):
            if found and not ESSENTIAL.isdisjoint(found):
                probabilities[i], versions[i] = self._prior_of(features, i), FALLBACK
        return Answers(np.clip(probabilities, 0.0, 1.0), versions, features.reasons)

    def _priors(self, features: Features, reasons: list[list[str]]) -> Answers:
        priors = np.array([self._prior_of(features, i) for i in range(len(reasons))])
        return Answers(priors, [FALLBACK] * len(reasons), reasons)

    def _prior_of(self, features: Features, index: int) -> float:
        known = features.priors[index]
        return self._prior if known is None else known

    def _count(self, answers: Answers) -> None:
        counts: dict[tuple[str, bool], int] = {}
        for version, reasons in zip(answers.versions, answers.reasons, strict=True):
            key = (version, bool(reasons))
            counts[key] = counts.get(key, 0) + 1
        for (version, degraded), count in counts.items():
            self._metrics.predictions.labels(version, "true" if degraded else "false").inc(count)


def _rows(matrix: Matrix, indexes: Sequence[int]) -> Matrix:
    chosen: Matrix = matrix[list(indexes)]
    return chosen
