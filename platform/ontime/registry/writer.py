"""Logs a training run to MLflow and registers its model as a new version.

`mlflow` is imported inside, because it costs seconds: reading the registry and moving aliases do without.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from ontime import evaluation
from ontime.contract import FEATURE_NAMES, contract_hash
from ontime.errors import RegistryError
from ontime.evaluation import Evaluation
from ontime.export import to_onnx
from ontime.registry.model import BOOSTER_PATH, MODEL_DIRECTORY, MODEL_FILE, MODEL_NAME, ModelVersion
from ontime.registry.reader import RegistryReader
from ontime.scorer import INPUT_NAME, OUTPUT_NAME
from ontime.training.window import Days

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

EXPERIMENT = MODEL_NAME
REQUIREMENTS = ("onnx", "onnxruntime", "numpy")


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What training hands over: the booster, where it comes from, and how it did on days it has not seen."""

    booster: lgb.Booster
    parameters: Mapping[str, object]
    trained: Days
    rows: int
    held_out: Days
    evaluation: Evaluation


def log_and_register(url: str, model: TrainedModel, tags: Mapping[str, str] | None = None) -> ModelVersion:
    """A run with parameters, data window, metrics by slice, plots, booster and ONNX model; then a version of it.

    Moves no alias. Raises `RegistryError` when MLflow is down or refuses.
    """
    with RegistryReader(url) as reader:
        reader.aliases()  # mlflow's own client would retry for minutes against a server that is down
        client = _client(url)
        started = time.monotonic()
        try:
            number = _register(client, model, dict(tags or {}))
        except Exception as error:  # mlflow lets requests', its own and OS errors through
            raise RegistryError(f"MLflow at {url} refused the training run: {error}") from error
        log.info("logged and registered version %d in %.1f s", number, time.monotonic() - started)
        return reader.version(number)


def _client(url: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    import mlflow

    return mlflow.MlflowClient(tracking_uri=url, registry_uri=url)


def _register(client: MlflowClient, model: TrainedModel, tags: dict[str, str]) -> int:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    run_id: str = client.create_run(experiment_id, run_name=f"through {model.trained.last}").info.run_id
    try:
        _log_figures(client, run_id, model)
        with tempfile.TemporaryDirectory(prefix="ontime-model-") as scratch:
            onnx_sha256 = _write_artifacts(Path(scratch), model)
            client.log_artifacts(run_id, scratch)
        number = _create_version(client, run_id, version_tags(model, onnx_sha256) | tags)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return number


def version_tags(model: TrainedModel, onnx_sha256: str) -> dict[str, str]:
    """What a version is found by: its file, its contract and the days and rows that it was trained on."""
    return {
        "onnx_sha256": onnx_sha256,
        "contract_hash": contract_hash(),
        "trained_from": model.trained.first.isoformat(),
        "trained_through": model.trained.last.isoformat(),
        "rows": str(model.rows),
    }


def _log_figures(client: MlflowClient, run_id: str, model: TrainedModel) -> None:
    from mlflow.entities import Metric, Param

    settings = {
        **model.parameters,
        "trees": model.booster.num_trees(),
        "trained_from": model.trained.first,
        "trained_through": model.trained.last,
        "held_out_from": model.held_out.first,
        "held_out_through": model.held_out.last,
        "features": len(FEATURE_NAMES),
        "contract_hash": contract_hash(),
    }
    figures = {"rows": float(model.rows), **model.evaluation.flat()}
    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in figures.items()],
        params=[Param(name, str(value)) for name, value in settings.items()],
    )


def _write_artifacts(root: Path, model: TrainedModel) -> str:
    """Fills `root` with what the run keeps; returns the SHA-256 of the ONNX file."""
    write_booster_and_plots(root, model)
    return write_model(root / MODEL_DIRECTORY, model.booster)


def write_booster_and_plots(root: Path, model: TrainedModel) -> None:
    """The booster as LightGBM tells of it, and what its evaluation looks like."""
    for path in (BOOSTER_PATH, "evaluation/calibration.png"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / BOOSTER_PATH).write_text(model.booster.model_to_string())
    evaluation.plot_calibration(model.evaluation.calibration, root / "evaluation/calibration.png")
    evaluation.plot_importance(evaluation.importance(model.booster), root / "evaluation/importance.png")


def write_model(directory: Path, booster: lgb.Booster) -> str:
    """An MLflow model directory of the onnx flavour, for `mlflow models serve` as well; returns the file's SHA-256."""
    import mlflow.onnx

    proto = to_onnx(booster)
    content: bytes = proto.SerializeToString(deterministic=True)
    mlflow.onnx.save_model(
        proto,
        directory,
        signature=_signature(),
        pip_requirements=list(REQUIREMENTS),
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )
    (directory / MODEL_FILE).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, len(FEATURE_NAMES)), INPUT_NAME)]),
        outputs=Schema(
            [
                TensorSpec(np.dtype(np.int64), (-1,), "label"),
                TensorSpec(np.dtype(np.float32), (-1, 2), OUTPUT_NAME),
            ]
        ),
    )


def _create_version(client: MlflowClient, run_id: str, tags: dict[str, str]) -> int:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(MODEL_NAME)
    except MlflowException:
        client.create_registered_model(MODEL_NAME, description="Arrival delay above 15 minutes, asked 60 minutes ahead")
    source = f"{client.get_run(run_id).info.artifact_uri}/{MODEL_DIRECTORY}"
    created = client.create_model_version(MODEL_NAME, source=source, run_id=run_id, tags=tags)
    return int(created.version)
