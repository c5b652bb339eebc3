"""Where reports lie: `<reports>/<world time>/` with summary.json, evidently.json, report.html; and `latest.json`."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ontime.files import replace_text
from ontime.reports.drift import Drift
from ontime.reports.matching import Matched

KEPT = 20
LATEST = "latest.json"
_STAMP = "%Y-%m-%dT%H%M%S"
_PATTERN = "????-??-??T??????"


def write(root: Path, window: Matched, drift: Drift) -> dict[str, Any]:
    """Writes the report, replaces `latest.json` atomically, drops all but the newest KEPT. Returns the summary.

    `latest.json`: world_from, world_to (ISO 8601, UTC), written_at (wall), rows, reference_rows, drift_share (null when
    the window was too small), features {name: {score, threshold, drifted}}, html (path relative to `root`, or null).
    """
    directory = root / window.world_to.astimezone(UTC).strftime(_STAMP)
    directory.mkdir(parents=True, exist_ok=True)
    html = None
    if drift.snapshot is not None:
        drift.snapshot.save_json(str(directory / "evidently.json"))
        drift.snapshot.save_html(str(directory / "report.html"))
        html = f"{directory.name}/report.html"
    summary = {
        "world_from": window.world_from.astimezone(UTC).isoformat(),
        "world_to": window.world_to.astimezone(UTC).isoformat(),
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": window.current.num_rows,
        "reference_rows": window.reference.num_rows,
        "drift_share": drift.share,
        "features": {name: asdict(column) for name, column in drift.columns.items()},
        "html": html,
    }
    replace_text(directory / "summary.json", json.dumps(summary, indent=1))
    replace_text(root / LATEST, json.dumps(summary, indent=1))
    for old in sorted(root.glob(_PATTERN), reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return summary
