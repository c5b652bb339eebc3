"""Puts a trained version into the registry as a person's training run does, and lets the platform promote it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brownout.errors import PreparationError
from brownout.faults.context import InjectContext
from brownout.faults.models import AnyRecipe, Retraining
from brownout.registry_api import MODEL, RegistryApi
from brownout.settings import ROOT
from ontime.registry import CHAMPION, RegistryReader
from ontime.settings import load_behaviour
from ontime.training.window import Days, Window


def register_as_champion(context: InjectContext, recipe: AnyRecipe, description: str) -> str:
    """Trains, registers, and promotes through the gates that are deployed now.

    A bag is trained on the champion's own days; a retraining on its own, or on the window that ends now.

    Returns the new version. Raises `PreparationError` when a gate refuses: then the gates were not loosened.
    """
    from brownout.faults.making import make  # training and export: the proctor, which names it, goes without

    with RegistryReader(context.environment.mlflow_url) as reader:
        champion = reader.alias(CHAMPION)
    if champion is None:
        raise PreparationError(f"No version of {MODEL} is {CHAMPION}. Restore a baseline first.")
    days = Days(champion.trained_from, champion.trained_through)
    if isinstance(recipe, Retraining):
        days = training_days(recipe, context.world.now())
    directory = make(recipe, days.first, days.last, context.harness)
    version = register(RegistryApi(context.environment.mlflow_url, 60.0), directory, description)
    done = context.platform.ontime("registry", "promote", version, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise PreparationError(f"Version {version} ({recipe.name}) was not promoted: {said}")
    return version


def training_days(recipe: Retraining, world_now: float) -> Days:
    """The recipe's days, or those that the platform's own retraining takes at `world_now`."""
    if recipe.first is not None and recipe.last is not None:
        return Days(recipe.first, recipe.last)
    return Window.ending(datetime.fromtimestamp(world_now, UTC), load_behaviour(ROOT / "ontime.toml").training).training


def register(api: RegistryApi, directory: Path, description: str) -> str:
    """Logs one finished run with the directory's figures and files, and registers its model; moves no alias."""
    run: dict[str, Any] = json.loads((directory / "run.json").read_text())
    experiment = api.call("GET", "experiments/get-by-name", {"experiment_name": MODEL})["experiment"]["experiment_id"]
    now = int(time.time() * 1000)
    info = api.call("POST", "runs/create", {"experiment_id": experiment, "start_time": now, "run_name": run["name"]})[
        "run"
    ]["info"]
    run_id = str(info["run_id"])
    api.call(
        "POST",
        "runs/log-batch",
        {
            "run_id": run_id,
            "params": [{"key": key, "value": value} for key, value in run["parameters"].items()],
            "metrics": [
                {"key": key, "value": value, "timestamp": now, "step": 0} for key, value in run["metrics"].items()
            ],
        },
    )
    files = directory / "files"
    for path in sorted(p for p in files.rglob("*") if p.is_file()):
        api.upload(str(info["artifact_uri"]), str(path.relative_to(files)), path)
    api.call("POST", "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": int(time.time() * 1000)})
    return api.create_version(f"{info['artifact_uri']}/model", run_id, run["tags"], description)
