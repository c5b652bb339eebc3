"""How slow a model is, as a multiple of a reference ensemble measured in the same sitting.

A ratio of two minima, taken in alternation on one thread: whatever else the machine does slows both, and the fastest
of many runs is the one it disturbed least.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ontime.export import write_onnx
from ontime.scorer import Matrix, Scorer
from ontime.settings import TrainingBehaviour
from ontime.training.booster import features, train

BATCH = 120
"""Rows a call: a departure board of the next two hours at one airport, twice."""
REFERENCE = TrainingBehaviour(trees=200, leaves=31, min_leaf_rows=20, learning_rate=0.06, seed=7, threads=1)
"""The reference's shape is fixed here and not read from ontime.toml: it must not grow with the models it judges."""
REFERENCE_ROWS = 10_000
ROUNDS = 25


@dataclass(frozen=True, slots=True)
class Latency:
    """Fastest call on a batch of `BATCH` rows, in milliseconds."""

    contender_ms: float
    reference_ms: float

    @property
    def ratio(self) -> float:
        return self.contender_ms / self.reference_ms


def reference_scorer(rows: pa.Table, directory: Path) -> Scorer:
    """A 200-tree ensemble trained on the spot on (at most REFERENCE_ROWS of) the same labelled rows."""
    return Scorer(write_onnx(train(rows.slice(0, REFERENCE_ROWS), REFERENCE), directory / "reference.onnx"))


def compare(contender: Scorer, reference: Scorer, matrix: Matrix, rounds: int = ROUNDS) -> Latency:
    """Both scorers in turn on the same batches from `matrix`. Both must run on one thread."""
    batches = [matrix[start : start + BATCH] for start in range(0, max(len(matrix) - BATCH, 0) + 1, BATCH)]
    fastest = [float("inf"), float("inf")]
    for index in range(rounds + 2):  # the first two rounds warm up
        for which, scorer in enumerate((contender, reference)):
            started = time.perf_counter()
            scorer.score(batches[index % len(batches)])
            elapsed = time.perf_counter() - started
            if index >= 2:
                fastest[which] = min(fastest[which], elapsed)
    return Latency(fastest[0] * 1000, fastest[1] * 1000)


def measure(contender: Scorer, rows: pa.Table) -> Latency:
    """`rows` are labelled flights with features: they train the reference and fill the batches."""
    with tempfile.TemporaryDirectory(prefix="ontime-latency-") as scratch:
        return compare(contender, reference_scorer(rows, Path(scratch)), features(rows))
