"""What came of looking at a probe in healthy windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brownout.probes import ProbeResult


@dataclass(frozen=True)
class Verdict:
    """Results by window, of one probe. A window in which it was `unknown` throughout covers nothing."""

    probe: str
    how: str
    results: Mapping[str, ProbeResult]

    @property
    def red(self) -> dict[str, str]:
        """Why it was broken, by window."""
        return {window: result.why for window, result in self.results.items() if result.status == "broken"}

    @property
    def covered(self) -> int:
        return sum(result.status == "ok" for result in self.results.values())

    def __str__(self) -> str:
        if self.red:
            window, why = next(iter(self.red.items()))
            return (
                f"{self.probe} is red in {len(self.red)} of {len(self.results)} healthy windows, first {window}: {why}"
            )
        if not self.results:
            return f"{self.probe} cannot be looked at in windows {self.how}"
        return f"{self.probe} is quiet in {self.covered} of {len(self.results)} healthy windows {self.how}"
