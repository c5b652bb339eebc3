"""Online/offline parity: the served vector against the same flight's features recomputed from the warehouse.

Each served row says, by its views' own timestamps, as of when its features were computed. Recomputed as of the same
moments from the warehouse's events, every feature must come out the same; what does not was computed, joined, stored
or read differently online. Age is not judged here: an old row that was right when it was computed is in parity.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.exporter.collectors.versions import TIMEOUT
from monitoring.exporter.look import Collector, Look, Sample, sample
from monitoring.exporter.recompute import Recomputation
from ontime.contract import FEATURE_NAMES, FEATURES, VIEWS
from ontime.errors import OntimeError
from ontime.figures import Array
from ontime.registry import CHAMPION, RegistryReader
from ontime.scorer import Scorer
from ontime.settings import Environment
from ontime.warehouse import TIMESTAMP, Warehouse

EVERY_SECONDS = 15.0
SETTLED_SECONDS = 5.0
"""Wall seconds after which the events behind a prediction are in the warehouse (ingest flushes each second)."""


def served_matrix(rows: pa.Table) -> Array:
    """The served vectors [n, features] in contract order."""
    return np.column_stack([rows[name].to_numpy().astype(np.float64) for name in FEATURE_NAMES])


def differs(served: Array, recomputed: Array, tolerance: float) -> NDArray[np.bool_]:
    """Where two matrices disagree: null against a value, or further apart than `tolerance` (relative, from 1 up)."""
    nulls = np.isnan(served) != np.isnan(recomputed)
    scale = np.maximum(np.abs(recomputed), 1.0)
    with np.errstate(invalid="ignore"):
        wrong: NDArray[np.bool_] = nulls | (np.abs(served - recomputed) > tolerance * scale)
    return wrong


class Champion:
    """The champion's own scorer, fetched once a version."""

    def __init__(self, environment: Environment) -> None:
        self._reader = RegistryReader(environment.mlflow_url, timeout=TIMEOUT)
        self._cache = environment.state / "exporter" / "models"
        self._loaded: tuple[int, Scorer] | None = None

    def scorer(self) -> tuple[int, Scorer] | None:
        """Version and scorer; None without a champion. Raises `OntimeError` when it cannot be had."""
        version = self._reader.alias(CHAMPION)
        if version is None:
            return None
        if self._loaded is None or self._loaded[0] != version.version:
            path = self._reader.download(version, self._cache)
            self._forget_others(path)
            self._loaded = (version.version, Scorer(path))
        return self._loaded

    def _forget_others(self, kept: Path) -> None:
        for path in self._cache.glob("*.onnx"):
            if path != kept:
                path.unlink(missing_ok=True)


class Parity:
    def __init__(self, environment: Environment) -> None:
        self._recompute = Recomputation(Warehouse(environment.warehouse))
        self._champion = Champion(environment)

    def collect(self, look: Look) -> Iterator[Sample]:
        rows = self._newest(look)
        yield sample("ontime_parity_flights", rows.num_rows)
        if not rows.num_rows:
            return
        served, recomputed = served_matrix(rows), self._recompute.matrix(rows)
        wrong = differs(served, recomputed, look.behaviour.parity_tolerance)
        for view in ("request", *VIEWS):
            columns = [index for index, feature in enumerate(FEATURES) if feature.view == view]
            yield sample("ontime_parity_mismatch_ratio", float(wrong[:, columns].mean()), view=view)
        yield from self._score_shift(rows, recomputed)

    def _score_shift(self, rows: pa.Table, recomputed: Array) -> Iterator[Sample]:
        try:
            champion = self._champion.scorer()
        except OntimeError:
            return  # the versions collector says so already; the vectors were still compared
        if champion is None:
            return
        version, scorer = champion
        by_champion = pc.equal(rows["model_version"], str(version)).to_numpy()
        if by_champion.any():
            expected = scorer.score(recomputed[by_champion].astype(np.float32))
            shift = np.abs(rows["late_probability"].to_numpy()[by_champion] - expected)
            yield sample("ontime_parity_score_shift", float(shift.mean()))

    @staticmethod
    def _newest(look: Look) -> pa.Table:
        """The newest complete answers whose events have had time to reach the warehouse."""
        rows = look.log.live
        settled = datetime.fromtimestamp(time.time(), UTC) - timedelta(seconds=SETTLED_SECONDS)
        judged = pc.and_(
            pc.and_(pc.less_equal(rows["wall_at"], pa.scalar(settled, TIMESTAMP)), pc.invert(rows["degraded"])),
            pc.is_valid(rows["origin_fresh_at"]),
        )
        rows = rows.filter(judged)
        return rows.slice(max(rows.num_rows - look.behaviour.parity_sample, 0))


def parity_collector(environment: Environment) -> Collector:
    return Collector(
        "parity",
        Parity(environment).collect,
        {
            "ontime_parity_flights": "Predictions recomputed from the warehouse.",
            "ontime_parity_mismatch_ratio": "Share of feature values of a view that differ from the recomputed ones.",
            "ontime_parity_score_shift": "Mean |score served - score of the recomputed features|.",
        },
        EVERY_SECONDS,
    )
