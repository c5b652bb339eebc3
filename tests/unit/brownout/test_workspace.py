"""A workspace: what is in it, what is not, and how its history looks."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from brownout.errors import PreparationError
from brownout.faults import discover
from brownout.history.steps import DECOYS
from brownout.history.tree import TELLS, tracked
from brownout.scenarios import get, load
from brownout.settings import ROOT
from brownout.workspace import MAX_COMMITS, MIN_COMMITS, Workspace, make

PRESENT = datetime(2013, 5, 6, 9, tzinfo=UTC)
CASES = [
    (fault.id, {name: value})
    for fault in discover().values()
    for name, parameter in list(fault.parameters.items())[:1]
    for value in parameter.samples
]


def git(workspace: Workspace, *args: str) -> str:
    return subprocess.run(
        ["git", "-C", str(workspace.path), *args], capture_output=True, text=True, check=True
    ).stdout.strip()


def build(root: Path, case: tuple[str, dict[str, str | int | float]], seed: int = 4) -> Workspace:
    fault = discover()[case[0]]
    commits = fault.commits(fault.draw(seed, case[1]))
    return make(root / "workspace", seed=seed, present=PRESENT, culprits=commits)


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *map(str, case[1].values())]))
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, str | int | float]]:
    found: tuple[str, dict[str, str | int | float]] = request.param
    return found


def test_nothing_in_it_tells_what_it_is_for(tmp_path: Path, case: tuple[str, dict[str, str | int | float]]) -> None:
    workspace = build(tmp_path, case)
    objects = git(workspace, "rev-list", "--objects", "--all").splitlines()
    shas = [line.split(" ", 1)[0] for line in objects if "uv.lock" not in line]
    stored = git(workspace, "cat-file", "--batch-check", "--batch-all-objects").splitlines()
    fault = discover()[case[0]]
    told = re.compile(rf"{TELLS.pattern}|{fault.id}|{re.escape(fault.title)}", re.IGNORECASE)
    content = subprocess.run(
        ["git", "-C", str(workspace.path), "cat-file", "--batch"],
        input="\n".join(shas).encode(),
        capture_output=True,
        check=True,
    ).stdout

    assert told.findall(content.decode(errors="replace")) == []
    assert len(stored) == len(objects)
    assert not git(workspace, "fsck", "--unreachable", "--no-progress")


def test_files_come_from_the_allow_list(tmp_path: Path) -> None:
    paths = git(build(tmp_path, CASES[0]), "ls-files").splitlines()

    assert {path.split("/")[0] for path in paths} >= {"platform", "serving", "monitoring", "dags", "feature_repo"}
    assert {"README.md", "Makefile", "ontime.toml", "pyproject.toml"} <= set(paths)
    assert not [path for path in paths if path.startswith(("interview", "tests/faults", "tests/unit/brownout"))]


def test_the_same_seed_gives_the_same_commits_and_another_gives_others(tmp_path: Path) -> None:
    heads = [build(tmp_path / str(n), CASES[0], seed).head for n, seed in enumerate((4, 4, 5))]

    assert heads[0] == heads[1]
    assert heads[0] != heads[2]


@pytest.mark.parametrize("seed", range(12))
def test_every_seed_gives_a_workspace(tmp_path: Path, seed: int) -> None:
    fault = discover()["stale_fresh_path"]
    culprits = fault.commits(fault.draw(seed))
    workspace = make(tmp_path / "workspace", seed=seed, present=PRESENT, culprits=culprits, decoys=4 + seed % 3)

    assert MIN_COMMITS <= workspace.commits <= MAX_COMMITS


def test_a_directory_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()

    with pytest.raises(PreparationError, match="exists already"):
        build(tmp_path, CASES[0])


@pytest.mark.parametrize("decoy", DECOYS, ids=lambda decoy: decoy.subject)
def test_every_decoy_fits_the_tree(decoy: object) -> None:
    edit = decoy.edit  # type: ignore[attr-defined]

    assert (ROOT / edit.path).read_text().count(edit.new) == 1


TRUTHS = [
    (scenario.id, seed)
    for scenario in load().values()
    for truth in scenario.truths
    for seed in scenario.seeds_of(truth, 1)
]


@pytest.mark.parametrize(("scenario_id", "seed"), TRUTHS)
def test_every_truth_of_a_scenario_has_a_workspace(tmp_path: Path, scenario_id: str, seed: int) -> None:
    scenario = get(scenario_id)
    drawn = (*scenario.drawn(seed), *scenario.drawn_controls(seed))
    culprits = tuple(commit for fault, parameters in drawn for commit in fault.commits(parameters))

    workspace = make(tmp_path / "w", seed=seed, present=PRESENT, culprits=culprits, decoys=scenario.decoys)

    subjects = git(workspace, "log", "--format=%s").splitlines()
    assert {commit.subject for commit in culprits} <= set(subjects)


def test_a_culprit_among_rules_is_not_the_only_rule_that_differs(tmp_path: Path) -> None:
    fault = discover()["tightened_alert"]
    commits = fault.commits(fault.draw(4))
    workspace = make(tmp_path / "w", seed=4, present=PRESENT, culprits=commits)
    changed = {path for commit in commits for path in (edit.path for edit in commit.edits)}
    rules = [path for path in tracked(ROOT) if path.startswith("monitoring/prometheus/") and path.endswith(".yml")]
    others = [path for path in rules if path not in changed and _differs(workspace, path)]

    assert len([path for path in others if path.startswith("monitoring/prometheus/rules/")]) >= 2
    assert len([path for path in others if path.startswith("monitoring/prometheus/tests/")]) >= 2


def _differs(workspace: Workspace, path: str) -> bool:
    return (workspace.path / path).read_text() != (ROOT / path).read_text()
