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
        chosen = scenario.chosen(seed)
        assert [fault.id for fault, _ in scenario.drawn(seed)] == [use.fault for use in chosen.faults]
    page = scenario.page(MOMENT, MOMENT, MOMENT)

    assert "{" not in page
    assert "Mon 06 May 2013 09:00 New York" in page
    assert not FORBIDDEN.search(page)
    assert not [fault for truth in scenario.truths for fault, _ in truth.drawn() if fault.title.lower() in page.lower()]


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


VARIED = """
id: mid-77
title: One page, two truths
level: mid
time_box_minutes: 45
seed: 3
variants:
  - title: It is slow
    baseline: may
    faults:
      - fault: oversized_champion
    controls:
      - fault: tightened_alert
  - title: All is well
    baseline: april
    faults:
      - fault: tightened_alert
    expected: {found: 9}
brief: |
  Page from on-call at {now_world}: something is odd since {since_world}, {since_wall} on your wall clock. Find out.
expected: {found: 1, mitigated: 2, fixed: 3}
"""


def test_the_seed_chooses_a_truth_and_always_the_same(tmp_path: Path) -> None:
    scenario = read(tmp_path, VARIED, "mid-77")
    chosen = [scenario.chosen(seed) for seed in range(40)]

    assert {c.baseline for c in chosen} == {"may", "april"}
    assert chosen == [scenario.chosen(seed) for seed in range(40)]
    for truth in scenario.truths:
        for seed in scenario.seeds_of(truth):
            assert scenario.chosen(seed) == truth
            assert [fault.id for fault, _ in scenario.drawn(seed)] == [use.fault for use in truth.faults]
            assert [fault.id for fault, _ in scenario.drawn_controls(seed)] == [use.fault for use in truth.controls]


def test_a_chosen_truth_has_the_page_and_what_its_variant_says(tmp_path: Path) -> None:
    scenario = read(tmp_path, VARIED, "mid-77")
    slow, well = scenario.truths

    assert (slow.id, slow.brief, slow.variants) == (scenario.id, scenario.brief, ())
    assert (slow.title, slow.expected.fixed, well.title, well.expected.fixed) == ("It is slow", 3, "All is well", None)
    assert slow.chosen(5) == slow


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("baseline: april", "baseline: aprli", "Unknown variants.1.baseline 'aprli'"),
        ("  - title: All is well\n    baseline: april", "  - title: All is well", "'variants.1.baseline' is missing"),
        ("seed: 3", "seed: 3\nbaseline: may", "baseline stands beside variants; move it into each variant"),
        ("seed: 3", "seed: 3\nfaults: []", "faults stands beside variants"),
        ("    expected: {found: 9}", "    expects: {found: 9}", "unknown key 'variants.1.expects'"),
        ("oversized_champion", "oversized_chamption", "'variants.0.faults.0.fault', 'oversized_chamption'"),
        ("oversized_champion", "stale_fresh_path\n        parameters: {variant: x}", "'variants.0.faults.0.fault'"),
        (
            "controls:\n      - fault: tightened_alert",
            "controls:\n      - fault: stale_fresh_path",
            "Expected a control; name it under 'faults'",
        ),
        ("expected: {found: 1, mitigated: 2, fixed: 3}", "expected: {found: 1}", "'variants.0.expected.mitigated'"),
        (VARIED[VARIED.index("  - title: All") : VARIED.index("brief:")], "", "variants holds one"),
    ],
)
def test_a_bad_variant_is_refused_with_the_remedy(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in VARIED
    with pytest.raises((ConfigError, UnknownNameError)) as refused:
        read(tmp_path, VARIED.replace(old, new), "mid-77")

    assert "mid-77.yaml" in str(refused.value)
    assert said in str(refused.value)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownNameError, match="junior-01"):
        get("junor-01")


def test_baselines_are_those_that_can_be_built() -> None:
    from brownout import baselines

    assert set(BASELINES) == set(baselines.BASELINES)
