"""The use case: from the warehouse to a registered version. Moving the champion is `ontime.registry.promotion`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import numpy as np
import pyarrow as pa

from ontime.contract import FEATURES
from ontime.errors import ContractError
from ontime.evaluation import evaluate
from ontime.registry.model import ModelVersion
from ontime.registry.writer import TrainedModel, log_and_register
from ontime.settings import TrainingBehaviour
from ontime.training.booster import features, labels, parameters, predict, train
from ontime.training.data import Frames, load_frames
from ontime.training.window import Window
from ontime.warehouse import Warehouse

log = logging.getLogger(__name__)

MAX_OUT_OF_RANGE_SHARE = 0.001
"""Share of a feature's values outside the contract's range from which the rows are refused."""


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Logs how long a block took."""
    started = time.monotonic()
    yield
    log.info("%s took %.1f s", name, time.monotonic() - started)


def check_ranges(rows: pa.Table) -> None:
    """Raises `ContractError` when a feature leaves the contract's range, or a request feature is null."""
    matrix = features(rows)
    for position, feature in enumerate(FEATURES):
        values = matrix[:, position]
        known = values[~np.isnan(values)]
        outside = float(np.mean((known < feature.low) | (known > feature.high))) if len(known) else 0.0
        if outside > MAX_OUT_OF_RANGE_SHARE:
            raise ContractError(
                f"Feature {feature.name!r} leaves [{feature.low:g}, {feature.high:g}] {feature.unit} in {outside:.1%}"
                " of the training rows. Repair the stored rows before training."
            )
        if not feature.nullable and len(known) < len(values):
            raise ContractError(f"Feature {feature.name!r} is null in {len(values) - len(known)} training rows.")


def fit(frames: Frames, training: TrainingBehaviour) -> TrainedModel:
    """Trains on the training days and evaluates on the held-out ones."""
    if not frames.training.num_rows or not frames.holdout.num_rows:
        raise ContractError(
            f"{frames.training.num_rows} flights to train on ({frames.window.training}) and"
            f" {frames.holdout.num_rows} held out ({frames.window.holdout}). Expected some of both."
        )
    check_ranges(frames.training)
    with phase(f"training {training.trees} trees on {frames.training.num_rows} flights"):
        booster = train(frames.training, training)
    with phase("evaluation"):
        scores = predict(booster, features(frames.holdout))
        evaluation = evaluate(frames.holdout, scores, labels(frames.holdout))
    log.info("held-out log loss %.4f, AUC %.3f", evaluation.overall.log_loss, evaluation.overall.auc)
    return TrainedModel(
        booster=booster,
        parameters=parameters(training),
        trained=frames.window.training,
        rows=frames.training.num_rows,
        held_out=frames.window.holdout,
        evaluation=evaluation,
    )


def retrain(
    warehouse: Warehouse,
    mlflow_url: str,
    training: TrainingBehaviour,
    present: datetime,
    tags: Mapping[str, str] | None = None,
) -> ModelVersion:
    """A new registered version, trained as if it were `present`: later labels and days are not looked at.

    Raises `ContractError` for unusable rows and `RegistryError` when MLflow is down.
    """
    window = Window.ending(present, training)
    with phase("features"):
        frames = load_frames(warehouse, window, present)
    model = fit(frames, training)
    with phase("registration"):
        return log_and_register(mlflow_url, model, tags)
