"""Runs of answers of several probes, counted as the proctor counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brownout.facts import ANSWERS, CONSECUTIVE
from brownout.probes import ProbeResult


@dataclass(slots=True)
class Watch:
    """`ok` in six looks over 200 answers holds; `broken` ends a run of ok; `unknown` neither helps nor harms."""

    consecutive: dict[str, int] = field(default_factory=dict)
    first_row: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    """Looks in a row, up to the last one, in which the probe was broken."""
    silent: dict[str, int] = field(default_factory=dict)
    """Looks in a row, up to the last one, in which the probe did not know."""
    eased: set[str] = field(default_factory=set)
    """Probes that were ok in at least one look."""
    last: dict[str, ProbeResult] = field(default_factory=dict)
    broken_at: dict[str, float] = field(default_factory=dict)
    """When a probe was broken last, in seconds from the beginning of the watch."""
    seconds: float = 0.0

    def take(self, results: Mapping[str, ProbeResult], row: int, seconds: float) -> None:
        """One look at `seconds` after the beginning, when the world's record ended with `row`."""
        self.seconds = seconds
        for name, result in results.items():
            self.last[name] = result
            self.broken[name] = self.broken.get(name, 0) + 1 if result.status == "broken" else 0
            self.silent[name] = self.silent.get(name, 0) + 1 if result.status == "unknown" else 0
            if result.status == "broken":
                self.consecutive[name] = 0
                self.first_row.pop(name, None)
                self.broken_at[name] = seconds
            elif result.status == "ok":
                self.eased.add(name)
                self.consecutive[name] = self.consecutive.get(name, 0) + 1
                self.first_row.setdefault(name, row)

    def held(self, name: str, row: int) -> bool:
        enough = row - self.first_row.get(name, row) >= ANSWERS
        return enough and self.consecutive.get(name, 0) >= CONSECUTIVE

    def said(self) -> str:
        return "; ".join(f"{name} {result.status}: {result.why}" for name, result in self.last.items())
