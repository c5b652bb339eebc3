"""The alerts as the rule files define them: what panels draw as thresholds and the map takes as trouble."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from ontime.errors import UnknownNameError

RULES = Path(__file__).resolve().parent / "prometheus" / "rules"
RUNBOOKS = Path(__file__).resolve().parent / "runbooks"


@dataclass(frozen=True, slots=True)
class Alert:
    """`threshold` is None for alerts that compare states, not values. `hold` is Prometheus's `for`, wall time."""

    name: str
    severity: str
    expr: str
    hold: str
    threshold: float | None
    summary: str
    description: str


def _alert(rule: dict[str, Any]) -> Alert:
    notes = rule["annotations"]
    threshold = notes.get("threshold")
    return Alert(
        name=rule["alert"],
        severity=rule["labels"]["severity"],
        expr=rule["expr"].strip(),
        hold=rule["for"],
        threshold=None if threshold is None else float(threshold),
        summary=notes["summary"],
        description=notes["description"],
    )


@lru_cache(maxsize=1)
def alerts() -> dict[str, Alert]:
    """Every alert by name, in the order of the rule files."""
    found: dict[str, Alert] = {}
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            found |= {rule["alert"]: _alert(rule) for rule in group["rules"] if "alert" in rule}
    return found


def alert(name: str) -> Alert:
    try:
        return alerts()[name]
    except KeyError:
        raise UnknownNameError.of("alert", name, alerts()) from None
