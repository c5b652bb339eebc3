"""What the newest Evidently report of the `monitor_model` DAG found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from monitoring.exporter.look import Collector, Look, Sample, sample


def read(look: Look) -> dict[str, Any]:
    """`reports/latest.json`. Raises `FileNotFoundError` when no report was ever made."""
    found: dict[str, Any] = json.loads((look.environment.reports / "latest.json").read_text())
    return found


def _number(value: float | None) -> float:
    """Null, where a window was too small to judge, is NaN."""
    return float("nan") if value is None else float(value)


def collect(look: Look) -> Iterator[Sample]:
    try:
        report = read(look)
    except FileNotFoundError:
        return
    reaches_to = datetime.fromisoformat(report["world_to"])
    yield sample("ontime_report_age_seconds", look.now.timestamp() - reaches_to.timestamp())
    yield sample("ontime_drift_share", _number(report["drift_share"]))
    for feature, found in report["features"].items():
        yield sample("ontime_drift_score", _number(found["score"]), feature=feature)


REPORT = Collector(
    "report",
    collect,
    {
        "ontime_report_age_seconds": "World seconds since the end of the window of the newest drift report.",
        "ontime_drift_share": "Share of features that the newest report found drifted.",
        "ontime_drift_score": "Effect size of the newest report, by feature.",
    },
)
