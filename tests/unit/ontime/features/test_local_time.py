from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ontime.features import local_midnight, tick
from ontime.features.local_time import local_micros, micros

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2039, 1, 1), timezones=st.just(UTC))
NEW_YORK = ZoneInfo("America/New_York")


def test_a_tick_is_the_last_point_of_the_grid() -> None:
    assert tick(datetime(2013, 5, 6, 9, 4, 59, 999999, tzinfo=UTC), 5) == datetime(2013, 5, 6, 9, 0, tzinfo=UTC)
    assert tick(datetime(2013, 5, 6, 9, 5, tzinfo=UTC), 5) == datetime(2013, 5, 6, 9, 5, tzinfo=UTC)


def test_midnight_follows_daylight_saving() -> None:
    winter, summer = datetime(2013, 1, 7, 4, 59, tzinfo=UTC), datetime(2013, 7, 7, 4, 0, tzinfo=UTC)
    clocks_forward, clocks_back = datetime(2013, 3, 10, 20, tzinfo=UTC), datetime(2013, 11, 3, 20, tzinfo=UTC)

    assert local_midnight(winter) == datetime(2013, 1, 6, 5, 0, tzinfo=UTC)
    assert local_midnight(summer) == summer
    assert local_midnight(clocks_forward) == datetime(2013, 3, 10, 5, 0, tzinfo=UTC)
    assert local_midnight(clocks_back) == datetime(2013, 11, 3, 4, 0, tzinfo=UTC)


@given(MOMENTS)
def test_local_time_is_what_zoneinfo_says(moment: datetime) -> None:
    local = datetime(1970, 1, 1) + timedelta(microseconds=int(local_micros(np.array([micros(moment)]))[0]))

    assert local == moment.astimezone(NEW_YORK).replace(tzinfo=None)


@given(MOMENTS)
def test_midnight_is_midnight_of_the_same_local_day(moment: datetime) -> None:
    midnight = local_midnight(moment).astimezone(NEW_YORK)

    assert (midnight.hour, midnight.minute) == (0, 0)
    assert midnight.date() == moment.astimezone(NEW_YORK).date()
