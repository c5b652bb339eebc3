"""Evidently's HTML reports in the state directory, each beside its `summary.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True)
class Report:
    """`world_to` is the end of the window that the report looked at; figures are None where the summary has none."""

    name: str
    world_to: datetime | None
    rows: int | None
    drift_share: float | None
    drifted: tuple[str, ...]


def _summary(directory: Path) -> dict[str, Any]:
    try:
        found = json.loads((directory / SUMMARY).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _report(root: Path, path: Path) -> Report:
    summary = _summary(path.parent)
    end = summary.get("world_to")
    features = summary.get("features", {})
    return Report(
        name=path.relative_to(root).as_posix(),
        world_to=None if end is None else datetime.fromisoformat(end),
        rows=summary.get("rows"),
        drift_share=summary.get("drift_share"),
        drifted=tuple(name for name, found in features.items() if found.get("drifted")),
    )


def listing(directory: Path) -> list[Report]:
    """Newest window first (a report's directory is named after it); empty when none was made yet."""
    return [_report(directory, path) for path in sorted(directory.glob("*/*.html"), reverse=True)]


def locate(directory: Path, name: str) -> Path | None:
    """The report's file; None when there is none, or `name` leads out of the directory."""
    root = directory.resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.suffix == ".html" and path.is_file() else None
