"""What became of every feature lookup: rows read, rows missing, and how old each row was when it was used.

A request only notes its arrays; they become Prometheus series in bulk, at the latest a second later. Observing nine
ages one by one would cost a request more than its model does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ontime.contract import VIEWS
from serving.metrics import Metrics

NEVER = int(np.iinfo(np.int64).min)
"""The time of a row that was not found."""
Keys: TypeAlias = Sequence[str | None]
"""One view's keys, one a flight; None where the flight has none."""


class FeatureUsage:
    """Collects lookups from any thread until `publish`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._noted: deque[tuple[Sequence[Keys], npt.NDArray[np.int64], int]] = deque()
        self._publishing = Lock()

    def note(self, keys: Sequence[Keys], view_times: npt.NDArray[np.int64], now_micros: int) -> None:
        """`keys` by view; `view_times` [n, VIEWS] in microseconds, `NEVER` where there was no row."""
        self._noted.append((keys, view_times, now_micros))

    def publish(self) -> None:
        """Turns everything noted so far into series."""
        with self._publishing:
            noted = [self._noted.popleft() for _ in range(len(self._noted))]
            if not noted:
                return
            times = np.concatenate([view_times for _, view_times, _ in noted])
            now = np.repeat([now for _, _, now in noted], [len(view_times) for _, view_times, _ in noted])
            for index, view in enumerate(VIEWS):
                found = times[:, index] != NEVER
                asked = sum(key is not None for keys, _, _ in noted for key in keys[index])
                self._metrics.reads_of[view].inc(asked)
                self._metrics.missing_of[view].inc(asked - int(found.sum()))
                self._metrics.observe_ages(view, (now[found] - times[found, index]) / 1e6)
