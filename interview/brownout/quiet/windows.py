"""The twenty healthy windows: three baselines, several days and hours from each present on, each with its own seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from brownout.baselines import present

NAMES = ("april", "may", "june")
COUNT = 20
HOURS = (1, 4, 7, 11, 14)
"""After the present, which is five in the morning: from the first departures to the evening."""
DAYS = 7
FIRST_SEED = 2013
LENGTH = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class Window:
    """World time from `begins` on, in a world with this seed."""

    baseline: str
    begins: datetime
    seed: int

    @property
    def ends(self) -> datetime:
        return self.begins + LENGTH

    def __str__(self) -> str:
        return f"{self.baseline} {self.begins:%d %b %H:%M}, seed {self.seed}"


def windows(count: int = COUNT) -> tuple[Window, ...]:
    """Neighbours differ in baseline, day, hour and seed; the first `count` of them."""
    return tuple(
        Window(
            baseline=name,
            begins=present(name) + timedelta(days=number // len(NAMES) % DAYS, hours=HOURS[number % len(HOURS)]),
            seed=FIRST_SEED + number,
        )
        for number in range(count)
        for name in (NAMES[number % len(NAMES)],)
    )
