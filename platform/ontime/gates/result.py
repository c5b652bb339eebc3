"""What a gate answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's verdict: `measured` against `limit`, both in `unit`; `detail` says what was measured."""

    gate: str
    passed: bool
    measured: float
    limit: float
    unit: str
    detail: str

    def __str__(self) -> str:
        if self.passed:
            return f"{self.gate}: {self.measured:.4g} {self.unit} (limit {self.limit:.4g}). {self.detail}"
        missed = abs(self.measured - self.limit)
        return (
            f"{self.gate}: measured {self.measured:.4g} {self.unit}, limit {self.limit:.4g},"
            f" missed by {missed:.3g}. {self.detail}"
        )


def at_most(gate: str, measured: float, limit: float, unit: str, detail: str) -> GateResult:
    """Passes when `measured` ≤ `limit`; a NaN never passes."""
    return GateResult(gate, measured <= limit, measured, limit, unit, detail)


def at_least(gate: str, measured: float, limit: float, unit: str, detail: str) -> GateResult:
    return GateResult(gate, measured >= limit, measured, limit, unit, detail)


def to_json(results: Sequence[GateResult]) -> str:
    """For the version's `gates` tag; a NaN becomes null."""
    rows = [{k: None if v != v else v for k, v in asdict(result).items()} for result in results]
    return json.dumps(rows, separators=(",", ":"))
