"""Which days a model learns from, and which are kept to judge it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ontime.contract import NEW_YORK
from ontime.settings import TrainingBehaviour

_ZONE = ZoneInfo(NEW_YORK)


@dataclass(frozen=True, slots=True)
class Days:
    """Whole New York days, first and last included, by scheduled departure."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return _midnight(self.first)

    @property
    def until(self) -> datetime:
        """Midnight after the last day: exclusive."""
        return _midnight(self.last + timedelta(days=1))

    def __len__(self) -> int:
        return max((self.last - self.first).days + 1, 0)


@dataclass(frozen=True, slots=True)
class Window:
    """Training days, then the held-out days that end yesterday."""

    training: Days
    holdout: Days

    @classmethod
    def ending(cls, present: datetime, training: TrainingBehaviour) -> Window:
        """`training.window_days` days before the present's New York day, the last `holdout_days` of them held out."""
        yesterday = local_day(present) - timedelta(days=1)
        holdout = Days(yesterday - timedelta(days=training.holdout_days - 1), yesterday)
        first = yesterday - timedelta(days=training.window_days - 1)
        return cls(Days(first, holdout.first - timedelta(days=1)), holdout)


def local_day(moment: datetime) -> date:
    return moment.astimezone(_ZONE).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), _ZONE).astimezone(UTC)
