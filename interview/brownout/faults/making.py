"""`python -m brownout.faults.making`: trains a recipe and writes what its training run would have logged.

A process of its own, so that LightGBM, MLflow and a gigabyte of trees do not stay with the proctor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from brownout.errors import PreparationError
from brownout.faults.models import AnyRecipe, Leak, Recipe, Retraining, cached, key, train_bag
from brownout.probes.truth import Truth
from brownout.settings import ROOT, Harness
from ontime.contract import FEATURE_NAMES, contract_hash
from ontime.evaluation import evaluate
from ontime.registry import writer
from ontime.registry.model import MODEL_DIRECTORY, MODEL_FILE
from ontime.scorer import Scorer
from ontime.settings import load_behaviour
from ontime.training.booster import features, labels, train
from ontime.training.booster import parameters as booster_parameters
from ontime.training.window import Days

HELD_OUT_DAYS = 14
WITHIN_SECONDS = 600.0


def make(recipe: AnyRecipe, first: date, last: date, harness: Harness) -> Path:
    """The model's directory: `files/` as a run keeps them, and `run.json`. Made once, in a minute or two.

    Raises `PreparationError` when training failed.
    """
    found = cached(recipe, first, last, harness.models)
    if found is not None:
        return found
    told = {"recipe": recipe.model_dump(mode="json"), "first": first.isoformat(), "last": last.isoformat()}
    command = [sys.executable, "-m", "brownout.faults.making", json.dumps(told), str(harness.data), str(harness.models)]
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT / "interview"), str(ROOT)])
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=WITHIN_SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired as error:
        raise PreparationError(f"Training {recipe.name} took over {WITHIN_SECONDS:.0f} s.") from error
    found = cached(recipe, first, last, harness.models)
    if done.returncode or found is None:
        raise PreparationError(f"Training {recipe.name} failed: {done.stderr.strip()[-400:]}")
    return found


def _make(recipe: AnyRecipe, trained: Days, data: Path, models: Path) -> None:
    truth = Truth(data)
    held_out = Days(trained.last + timedelta(days=1), trained.last + timedelta(days=HELD_OUT_DAYS))
    rows, unseen = (frame(recipe, truth, days) for days in (trained, held_out))
    if isinstance(recipe, Recipe):
        booster, parameters = train_bag(recipe, features(rows), labels(rows)), _parameters(recipe)
    else:
        usual = load_behaviour(ROOT / "ontime.toml").training
        booster, parameters = train(rows, usual), booster_parameters(usual)
    directory = models / key(recipe, trained.first, trained.last)
    draft = directory.with_name(f".{directory.name}.{os.getpid()}")
    files = draft / "files"
    files.mkdir(parents=True)
    sha256 = writer.write_model(files / MODEL_DIRECTORY, booster)
    scorer = Scorer(files / MODEL_DIRECTORY / MODEL_FILE)
    scorer.warm_up()
    model = writer.TrainedModel(
        booster=booster,
        parameters=parameters,
        trained=trained,
        rows=rows.num_rows,
        held_out=held_out,
        evaluation=evaluate(unseen, scorer.score(features(unseen)), labels(unseen)),
    )
    writer.write_booster_and_plots(files, model)
    (draft / "run.json").write_text(json.dumps(_run(recipe, model, sha256), default=str))
    draft.replace(directory)


def frame(recipe: AnyRecipe, truth: Truth, days: Days) -> pa.Table:
    """Labelled flights of those days with their features, as the recipe's training join gives them."""
    rows = truth.known_flights(days.since, days.until)
    if isinstance(recipe, Retraining) and recipe.leak is not None:
        return with_departures(rows, truth, days, recipe.leak)
    return rows


def with_departures(rows: pa.Table, truth: Truth, days: Days, feature: Leak) -> pa.Table:
    """The rows with `feature` holding each flight's own departure delay, where it has left."""
    events = truth.events("departures", days.since, days.until + timedelta(days=3)).sort_by("available_at")
    told = zip(events["flight_id"].to_pylist(), events["dep_delay_minutes"].to_pylist(), strict=True)
    left: dict[str, float] = {}
    for flight, delay in told:
        left.setdefault(flight, delay)
    position = rows.schema.get_field_index(feature)
    honest = zip(rows["flight_id"].to_pylist(), rows[feature].to_pylist(), strict=True)
    values = pa.array([left.get(flight, value) for flight, value in honest], rows.schema.field(position).type)
    return rows.set_column(position, rows.schema.field(position), values)


def _parameters(recipe: Recipe) -> dict[str, object]:
    return {
        "objective": "binary",
        "bags": recipe.bags,
        "learning_rate": recipe.learning_rate,
        "num_leaves": recipe.leaves,
        "min_data_in_leaf": recipe.min_leaf_rows,
        "row_share": recipe.row_share,
        "feature_fraction": recipe.feature_share,
        "seed": recipe.seed,
    }


def _run(recipe: AnyRecipe, model: writer.TrainedModel, sha256: str) -> dict[str, Any]:
    """Parameters, metrics and tags as `ontime.registry.writer` logs them."""
    parameters = {
        **model.parameters,
        "trees": model.booster.num_trees(),
        "trained_from": model.trained.first,
        "trained_through": model.trained.last,
        "held_out_from": model.held_out.first,
        "held_out_through": model.held_out.last,
        "features": len(FEATURE_NAMES),
        "contract_hash": contract_hash(),
    }
    return {
        "name": f"through {model.trained.last}" + (", bagged" if isinstance(recipe, Recipe) else ""),
        "parameters": {name: str(value) for name, value in parameters.items()},
        "metrics": {"rows": float(model.rows), **model.evaluation.flat()},
        "tags": writer.version_tags(model, sha256),
        "evaluation": asdict(model.evaluation.overall),
    }


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    _make(
        TypeAdapter(AnyRecipe).validate_python(asked["recipe"]),
        Days(date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])),
        Path(sys.argv[2]),
        Path(sys.argv[3]),
    )
