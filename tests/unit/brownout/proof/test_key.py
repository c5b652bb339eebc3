"""A result stands as long as nothing that decides about it has changed, and no longer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brownout.proof.key import code_key, deciding, fault_key, key_of
from brownout.proof.setting import setting_of
from brownout.settings import ROOT


@pytest.mark.parametrize(
    "path",
    [
        *("platform/ontime/ingest/fresh.py", "serving/app.py", "dags/train_model.py", "ontime.toml", "uv.lock"),
        *("interview/brownout/baselines.py", "interview/brownout/probes/fresh_age.py"),
        *("interview/brownout/world/plan.py", "interview/brownout/faults/actions.py"),
        *("interview/brownout/history/steps.py", "interview/brownout/proof/engine.py"),
    ],
)
def test_what_decides_is_part_of_it(path: str) -> None:
    assert (ROOT / path).is_file()
    assert deciding([path]) == [path]


@pytest.mark.parametrize(
    "path",
    [
        *("interview/brownout/cli/app.py", "interview/brownout/proctor/app.py", "interview/guide/running.md"),
        *("interview/brownout/scorecard/render.py", "interview/brownout/faults/data/scheduled_minutes_unit.py"),
        *(
            "interview/scenarios/mid-01.yaml",
            "tests/unit/test_tree.py",
            "README.md",
            "monitoring/runbooks/NoTraffic.md",
        ),
    ],
)
def test_what_does_not_decide_is_not(path: str) -> None:
    assert (ROOT / path).is_file()
    assert deciding([path]) == []


@pytest.mark.parametrize(
    "path", ["k8s/base/serving.yaml", "interview/k8s/desk/proctor.yaml", "interview/brownout/kind/templates.py"]
)
def test_how_it_runs_on_kubernetes_decides_there_and_nowhere_else(path: str) -> None:
    assert (ROOT / path).is_file()
    assert deciding([path]) == []
    assert deciding([path], on_kubernetes=True) == [path]


def test_the_key_of_what_only_kubernetes_shows_is_taken_there() -> None:
    there = setting_of("starved_serving")
    anywhere = replace(there, fault=there.fault.model_copy(update={"runtime": "any"}))

    assert key_of(there) != key_of(anywhere)


def test_the_key_follows_the_fault_the_draw_and_the_baseline(tmp_path: Path) -> None:
    setting = setting_of("scheduled_minutes_unit")
    file = tmp_path / setting.path.name
    file.write_text(setting.path.read_text() + "\n# another margin\n")
    others = [
        replace(setting, path=file),
        replace(setting, parameters={"unit": "weeks"}),
        replace(setting, baseline="june"),
        setting_of("stale_fresh_path"),
    ]

    assert key_of(setting) == key_of(setting_of("scheduled_minutes_unit"))
    assert len({key_of(setting), *(key_of(other) for other in others)}) == 5
    assert len({fault_key(setting), *(fault_key(other) for other in others)}) == 5


def test_the_key_follows_the_platform(tmp_path: Path) -> None:
    for name in ("ontime.toml", "interview/brownout/cli/app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a = 1\n")
    keys = [_key(tmp_path)]
    for name in ("interview/brownout/cli/app.py", "ontime.toml"):
        (tmp_path / name).write_text("a = 2\n")
        keys.append(_key(tmp_path))

    assert keys[0] == keys[1]
    assert keys[1] != keys[2]


def _key(root: Path) -> str:
    code_key.cache_clear()
    return code_key(root)
