"""What a run is given: values for its DAG's parameters."""

from __future__ import annotations

import pytest

from ontime.cli.dag import parameters
from ontime.errors import ConfigError


def test_values_are_json_where_they_can_be() -> None:
    given = ["recompute_days=3", "dry=true", "name=route_slow", "empty=", "text=a=b"]

    assert parameters(given) == {"recompute_days": 3, "dry": True, "name": "route_slow", "empty": "", "text": "a=b"}


@pytest.mark.parametrize("text", ["recompute_days", "=3", ""])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        parameters([text])
