"""What probes measured at their last look: gauges for the interviewer's Prometheus, which draws their curves.

No fact: facts come from the ledger. After a crash there is nothing here until the next look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from brownout.probes import ProbeResult

FORGOTTEN_SECONDS = 150.0
"""A figure that was not measured again for so long is no longer told; a calm probe is looked at every minute."""


class Figure(NamedTuple):
    interview: str
    fault: str
    probe: str
    name: str
    value: float


class Looks:
    """Written by the watch, read by scrapes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str, str, str], tuple[float, float]] = {}

    def note(self, interview: str, results: Mapping[tuple[str, str], ProbeResult]) -> None:
        now = time.monotonic()
        with self._lock:
            for (fault, probe), result in results.items():
                for name, value in result.measured.items():
                    if abs(value) < float("inf"):
                        self._kept[(interview, fault, probe, name)] = (now, float(value))

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def figures(self) -> Iterator[Figure]:
        oldest = time.monotonic() - FORGOTTEN_SECONDS
        with self._lock:
            kept = [(key, value) for key, (when, value) in self._kept.items() if when >= oldest]
        for key, value in kept:
            yield Figure(*key, value)
