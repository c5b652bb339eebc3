"""What one look at the platform has in hand, and the shape of what collectors make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from monitoring.exporter.log import RecentLog
from ontime.clock import Clock
from ontime.figures import Array
from ontime.settings import Environment, MonitoringBehaviour

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric. NaN means "not known now": the sample is left out of the answer."""

    metric: str
    value: float
    labels: Labels = ()


def sample(metric: str, value: float, **labels: str) -> Sample:
    return Sample(metric, value, tuple(labels.items()))


@dataclass
class Look:
    """The platform at one moment: `now` is world time, `log` is already brought up to it."""

    now: datetime
    clock: Clock
    environment: Environment
    behaviour: MonitoringBehaviour
    log: RecentLog

    def live(self, column: str) -> Array:
        """A float column of the live window's predictions."""
        values: Array = self.log.live[column].to_numpy().astype(np.float64)
        return values

    def live_seconds(self, column: str) -> Array:
        """A timestamp column of the live window's predictions, as Unix seconds; NaN for null."""
        micros = self.log.live[column].to_numpy().astype("datetime64[us]")
        seconds: Array = np.where(np.isnat(micros), np.nan, micros.astype(np.int64) / 1e6)
        return seconds


Collect = Callable[[Look], Iterable[Sample]]


@dataclass(frozen=True, slots=True)
class Collector:
    """`every_seconds` 0 means at each look; `at_scrape` means anew for each scrape, for what may not lag by a look.

    `metrics` lists name → help of all that `collect` may answer.
    """

    name: str
    collect: Collect
    metrics: dict[str, str] = field(default_factory=dict)
    every_seconds: float = 0.0
    at_scrape: bool = False
