"""Evidently's comparison of a window with its matched reference: an effect size a column, thresholds set explicitly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ontime.reports.matching import COLUMNS, Matched
from ontime.reports.thresholds import METHOD

if TYPE_CHECKING:
    from evidently.core.report import Snapshot

MIN_ROWS = 50
"""Flights under which a window is not judged: every column would seem to drift."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """`score` is None when a side has no values; then a column has drifted when only one side has none."""

    score: float | None
    threshold: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """`share` of the columns that drifted, None when the window is too small to judge; `snapshot` renders itself."""

    columns: dict[str, ColumnDrift]
    share: float | None
    snapshot: Snapshot | None


def compare(window: Matched, thresholds: dict[str, float]) -> Drift:
    """Compares every column of COLUMNS. Imports Evidently, which takes seconds."""
    if min(window.current.num_rows, window.reference.num_rows) < MIN_ROWS:
        return Drift({name: ColumnDrift(None, thresholds[name], False) for name in COLUMNS}, None, None)
    comparable = [name for name in COLUMNS if _known(window.current, name) and _known(window.reference, name)]
    snapshot = _evidently(window, comparable, thresholds)
    scores = {
        metric["config"]["column"]: float(metric["value"])
        for metric in snapshot.dict()["metrics"]
        if metric["config"]["type"].endswith(":ValueDrift")
    }
    columns = {name: _judge(window, name, scores.get(name), thresholds[name]) for name in COLUMNS}
    return Drift(columns, float(np.mean([column.drifted for column in columns.values()])), snapshot)


def _known(rows: object, name: str) -> bool:
    column = rows[name]  # type: ignore[index]
    return bool(column.null_count < len(column))


def _judge(window: Matched, name: str, score: float | None, threshold: float) -> ColumnDrift:
    if score is None:
        return ColumnDrift(None, threshold, _known(window.current, name) != _known(window.reference, name))
    return ColumnDrift(score, threshold, score >= threshold)


def _evidently(window: Matched, columns: list[str], thresholds: dict[str, float]) -> Snapshot:
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    definition = DataDefinition(numerical_columns=columns)
    current, reference = (
        Dataset.from_pandas(rows.select(columns).to_pandas().astype("float64"), data_definition=definition)
        for rows in (window.current, window.reference)
    )
    report = Report(
        [ValueDrift(column=name, method=METHOD, threshold=thresholds[name]) for name in columns], include_tests=True
    )
    return report.run(current, reference)
