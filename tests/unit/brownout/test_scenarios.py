"""Scenarios: the ones there are, and what a bad one is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from brownout.faults import discover
from brownout.faults.edits import FORBIDDEN
from brownout.scenarios import BASELINES, Scenario, get, load, load_file
from ontime.errors import ConfigError, UnknownNameError

MOMENT = datetime(2013, 5, 6, 13, tzinfo=UTC)
GOOD = """
id: junior-77
title: A title
level: junior
baseline: may
time_box_minutes: 45
seed: 3
faults:
  - fault: stale_fresh_path
brief: |
  Page from on-call at {now_world}: something is odd since {since_world}, {since_wall} on your wall clock. Find out.
expected: {found: 1, mitigated: 2, fixed: 3}
"""


def read(root: Path, text: str, name: str = "junior-77") -> Scenario:
    path = root / f"{name}.yaml"
    path.write_text(text)
    return load_file(path, discover())


@pytest.mark.parametrize("scenario", load().values(), ids=lambda scenario: scenario.id)
def test_every_scenario_can_be_drawn_and_its_page_tells_nothing(scenario: Scenario) -> None:
    for seed in (None, *range(5)):
        assert [fault.id for fault, _ in scenario.drawn(seed)] == [use.fault for use in scenario.faults]
    page = scenario.page(MOMENT, MOMENT, MOMENT)

    assert "{" not in page
    assert "Mon 06 May 2013 09:00 New York" in page
    assert not FORBIDDEN.search(page)
    assert not [fault for fault, _ in scenario.drawn() if fault.title.lower() in page.lower()]


def test_a_good_one_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).seed == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stale_fresh_path", "stale_fresh_paht", "Did you mean stale_fresh_path"),
        ("baseline: may", "baseline: mai", "may"),
        ("level: junior", "level: senior", "'level'"),
        ("seed: 3", "seed: minus one", "'seed'"),
        ("seed: 3", "seed: -3", "'seed' has value '-3'"),
        ("level: junior", "level: principal", "'level' has value 'principal'"),
        ("title: A title", "titel: A title", "unknown key 'titel'"),
        ("seed: 3", "seed: 3\ncolour: red", "unknown key 'colour'"),
        ("{since_wall}", "{since_when}", "'brief'"),
        ("id: junior-77", "id: junior-78", "'id'"),
        ("- fault: stale_fresh_path", "- fault: stale_fresh_path\n    parameters: {variant: other}", "variant"),
        ("- fault: stale_fresh_path", "- fault: oversized_champion", "is for mid, not junior"),
        ("id: junior-77", "id: [", "not YAML"),
        (GOOD, "- a list", "holds list"),
    ],
)
def test_a_bad_one_is_refused_with_the_remedy(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError)) as refused:
        read(tmp_path, GOOD.replace(old, new))

    assert "junior-77.yaml" in str(refused.value)
    assert said in str(refused.value)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownNameError, match="junior-01"):
        get("junor-01")


def test_baselines_are_those_that_can_be_built() -> None:
    from brownout import baselines

    assert set(BASELINES) == set(baselines.BASELINES)
