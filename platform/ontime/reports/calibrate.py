"""Measures how far healthy windows lie from their references, and writes thresholds.json from it.

    python -m ontime.reports.calibrate --events <directory with schedules.parquet, departures.parquet, …>

Windows all over the healthy period are compared with the fortnight before them, exactly as `monitor_model` would.
A feature's threshold is MARGIN times the QUANTILE of what was seen, and at least FLOOR.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ontime.features import EVENT_TABLES, LEAD_MINUTES, events_connection, training_frame
from ontime.reports.matching import COLUMNS, REFERENCE_DAYS, SCORE, Matched, match
from ontime.reports.thresholds import FILE, METHOD, effect_size
from ontime.settings import behaviour
from ontime.training.booster import features, predict, train

QUANTILE = 0.99
MARGIN = 1.25
FLOOR = 0.05
"""No effect under this share of a standard deviation is drift: matching makes some columns nearly constant."""
STEP = timedelta(hours=7)
FIRST_DAY, LAST_DAY = datetime(2013, 3, 1, 9, tzinfo=UTC), datetime(2013, 8, 1, 9, tzinfo=UTC)
"""Around the days that anybody looks at; from here on reports have a fortnight behind them."""


def healthy_predictions(events: Path) -> pa.Table:
    """What a sound platform would have logged an hour before each departure of the period, by one fixed model."""
    connection = events_connection({name: pq.read_table(events / f"{name}.parquet") for name in EVENT_TABLES})
    rows = training_frame(connection, datetime(2013, 1, 1, 5, tzinfo=UTC), LAST_DAY)
    connection.close()
    before = pc.less(rows["sched_dep_at"], pa.scalar(FIRST_DAY, rows["sched_dep_at"].type))
    model = train(rows.filter(before), behaviour().training)
    predicted_at = pc.subtract(rows["sched_dep_at"], pa.scalar(timedelta(minutes=LEAD_MINUTES), pa.duration("us")))
    return rows.append_column("predicted_at", predicted_at).append_column(
        SCORE, pa.array(predict(model, features(rows)))
    )


def windows(predictions: pa.Table, hours: float) -> Iterator[Matched]:
    """Windows that end at every hour of the day, each with its matched reference."""
    end = FIRST_DAY + timedelta(days=REFERENCE_DAYS)
    while end < LAST_DAY:
        yield match(predictions, end - timedelta(hours=hours), end)
        end += STEP


def scores(window: Matched) -> dict[str, float]:
    columns = ((name, window.reference[name].to_numpy(), window.current[name].to_numpy()) for name in COLUMNS)
    return {name: effect_size(r.astype(np.float64), c.astype(np.float64)) for name, r, c in columns}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=Path, required=True, help="directory with one parquet file an event table")
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    found = [scores(window) for window in windows(healthy_predictions(arguments.events), _hours())]
    thresholds = {
        name: round(max(MARGIN * float(np.nanquantile([scores[name] for scores in found], QUANTILE)), FLOOR), 3)
        for name in COLUMNS
    }
    shares = [np.mean([scores[name] >= thresholds[name] for name in COLUMNS]) for scores in found]
    body = {
        "method": METHOD,
        "window_hours": _hours(),
        "windows": len(found),
        "quantile": QUANTILE,
        "margin": MARGIN,
        "healthy_drift_share": {
            "mean": round(float(np.mean(shares)), 4),
            "p99": round(float(np.quantile(shares, 0.99)), 4),
            "max": round(float(np.max(shares)), 4),
        },
        "thresholds": thresholds,
    }
    arguments.out.write_text(json.dumps(body, indent=2) + "\n")
    print(json.dumps(body["healthy_drift_share"]))


def _hours() -> float:
    return behaviour().monitoring.drift_window_hours


if __name__ == "__main__":
    main()
