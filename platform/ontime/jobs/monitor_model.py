"""The drift report of the last hours of the prediction log."""

from __future__ import annotations

import logging
from typing import Any

from ontime.clock import Clock
from ontime.reports import report
from ontime.settings import Environment, behaviour
from ontime.warehouse import Warehouse

log = logging.getLogger(__name__)


def monitor(settings: Environment) -> dict[str, Any]:
    """Writes the report; returns its drift share and what drifted."""
    now = Clock(settings.clock).now()
    hours = behaviour().monitoring.drift_window_hours
    summary = report(Warehouse(settings.warehouse), settings.reports, now, hours)
    drifted = sorted(name for name, column in summary["features"].items() if column["drifted"])
    log.info(
        "world %s: %d flights against %d, drift share %s: %s",
        now,
        summary["rows"],
        summary["reference_rows"],
        summary["drift_share"],
        ", ".join(drifted) or "nothing drifted",
    )
    return {"drift_share": summary["drift_share"], "rows": summary["rows"], "drifted": drifted}
