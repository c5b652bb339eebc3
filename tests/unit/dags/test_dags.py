"""What every DAG must state for itself. Airflow parses in a process of its own: it configures logging, paths and a
database wherever it is imported."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ontime.settings import ROOT

FILES = sorted((ROOT / "dags").glob("*.py"))
NAMES = [file.stem for file in FILES]

DESCRIBE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
def waits_for(timetable):
    condition = getattr(timetable, "asset_condition", None)
    return sorted(asset.name for asset in getattr(condition, "objects", []))
def task(t):
    policy = t.retry_policy.rules[0].exception if getattr(t, "retry_policy", None) else []
    read = (lambda name: t.partial_kwargs[name]) if t.is_mapped else (lambda name: getattr(t, name))
    return {
        "retries": read("retries"),
        "timeout": read("execution_timeout").total_seconds(),
        "pool": read("pool"),
        "mapped": t.is_mapped,
        "outlets": [o.name for o in read("outlets")],
        "not_retried": policy,
        "upstream": sorted(t.upstream_task_ids),
    }
print("\\n" + json.dumps({
    "errors": bag.import_errors,
    "dags": {d.dag_id: {
        "file": d.fileloc,
        "catchup": d.catchup,
        "max_active_runs": d.max_active_runs,
        "timeout": d.dagrun_timeout.total_seconds() if d.dagrun_timeout else None,
        "waits_for": waits_for(d.timetable),
        "doc": d.doc_md,
        "tasks": {t.task_id: task(t) for t in d.tasks},
    } for d in bag.dags.values()},
}))
"""


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    told = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE, str(ROOT / "dags")],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **told},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_file_parses_to_the_one_dag_of_its_name(bag: dict[str, Any]) -> None:
    assert bag["errors"] == {}
    assert {name: Path(dag["file"]).stem for name, dag in bag["dags"].items()} == {name: name for name in NAMES}
    assert set(NAMES) == {"build_features", "train_model", "monitor_model", "batch_score"}


@pytest.mark.parametrize("name", NAMES)
def test_a_dag_never_catches_up_overlaps_or_runs_for_ever(bag: dict[str, Any], name: str) -> None:
    dag = bag["dags"][name]

    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
    assert 0 < dag["timeout"] <= 900
    assert dag["doc"]


@pytest.mark.parametrize("name", NAMES)
def test_every_task_states_its_limits(bag: dict[str, Any], name: str) -> None:
    dag = bag["dags"][name]

    for task_id, task in dag["tasks"].items():
        assert task["retries"] == 1, task_id
        assert 0 < task["timeout"] < dag["timeout"], task_id
        assert task["pool"] == "heavy", task_id


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_dag_file_states_catchup_timeout_and_runs_itself(file: Path) -> None:
    """Written down, not inherited from whatever the scheduler's defaults are."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    (decorator,) = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "dag"]

    stated = {keyword.arg for keyword in decorator.keywords}
    assert stated >= {"schedule", "catchup", "max_active_runs", "dagrun_timeout", "default_args"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_dag_file_imports_nothing_heavy_and_does_no_work(file: Path) -> None:
    tree = ast.parse(file.read_text())
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)} | {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }

    assert imported <= {"airflow.sdk", "datetime", "typing"}
    assert not [node for node in tree.body if isinstance(node, ast.For | ast.While | ast.If | ast.With | ast.Try)]


def test_assets_link_producers_to_consumers(bag: dict[str, Any]) -> None:
    made = {outlet for dag in bag["dags"].values() for task in dag["tasks"].values() for outlet in task["outlets"]}

    assert bag["dags"]["batch_score"]["waits_for"] == ["champion", "slow_features"]
    assert bag["dags"]["build_features"]["tasks"]["build"]["outlets"] == ["slow_features"]
    assert bag["dags"]["train_model"]["tasks"]["promote"]["outlets"] == ["champion"]
    for dag in bag["dags"].values():
        assert set(dag["waits_for"]) <= made


def test_training_is_validated_before_and_promoted_after(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["train_model"]["tasks"]

    assert tasks["train_and_register"]["upstream"] == ["validate"]
    assert set(tasks["promote"]["upstream"]) == {"train_and_register", "validate"}
    assert "ontime.errors.GateRefusedError" in tasks["promote"]["not_retried"]


def test_tomorrow_is_scored_by_mapped_tasks(bag: dict[str, Any]) -> None:
    assert bag["dags"]["batch_score"]["tasks"]["score"]["mapped"]
