"""New York's local time for whole arrays, and the two grids that features live on.

Arrays of moments are `datetime64[us]` in UTC. Correct across daylight saving from 2000 to 2039.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from ontime.contract import NEW_YORK

Micros = npt.NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_ZONE = ZoneInfo(NEW_YORK)
_SINCE, _UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of a timezone-aware moment, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def _offset(value: int) -> int:
    offset = moment_of(value).astimezone(_ZONE).utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)


@lru_cache(maxsize=1)
def _transitions() -> tuple[Micros, Micros]:
    """When the offset changes, and the offset before the first and after each change."""
    weeks = range(micros(_SINCE), micros(_UNTIL), 7 * DAY)
    changes, offsets = [], [_offset(weeks[0])]
    for low, high in pairwise(weeks):
        if _offset(low) == _offset(high):
            continue
        while high - low > MINUTE:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(middle) == offsets[-1] else (low, middle)
        changes.append(high // MINUTE * MINUTE)
        offsets.append(_offset(high))
    return np.array(changes, np.int64), np.array(offsets, np.int64)


def local_micros(moments: Micros) -> Micros:
    """New York wall-clock microseconds of UTC microseconds."""
    changes, offsets = _transitions()
    return moments + offsets[np.searchsorted(changes, moments, side="right")]


def local_midnights(moments: Micros) -> Micros:
    """The last New York midnight at or before each moment, in UTC microseconds."""
    changes, offsets = _transitions()
    local = local_micros(moments)
    midnight = local - local % DAY
    guess = midnight - (local - moments)
    return midnight - offsets[np.searchsorted(changes, guess, side="right")]


def ticks(moments: Micros, every_minutes: int) -> Micros:
    """The last point of the grid of `every_minutes` at or before each moment."""
    return moments - moments % (every_minutes * MINUTE)


def tick(moment: datetime, every_minutes: int) -> datetime:
    """The last point of the grid of `every_minutes`, aligned to UTC, at or before `moment`."""
    return moment_of(int(ticks(np.array([micros(moment)]), every_minutes)[0]))


def local_midnight(moment: datetime) -> datetime:
    """The last New York midnight at or before `moment`, in UTC."""
    return moment_of(int(local_midnights(np.array([micros(moment)]))[0]))
