"""Rows with features and labels → a LightGBM booster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ontime.contract import FEATURE_NAMES
from ontime.errors import ContractError
from ontime.scorer import Matrix
from ontime.settings import TrainingBehaviour

if TYPE_CHECKING:
    import lightgbm as lgb

LABEL = "label"


def features(rows: pa.Table) -> Matrix:
    """float32 [n, 33] in FEATURE_NAMES order, null as NaN: the precision that the model is served with."""
    missing = [name for name in FEATURE_NAMES if name not in rows.column_names]
    if missing:
        raise ContractError(f"Training rows have no column {missing[0]!r}. Build them with ontime.features.")
    columns = [rows[name].to_numpy().astype(np.float32) for name in FEATURE_NAMES]
    return np.column_stack(columns) if columns else np.empty((0, 0), dtype=np.float32)


def labels(rows: pa.Table) -> npt.NDArray[np.float64]:
    """1.0 where the flight arrived more than 15 minutes late. Rows without a label must be gone by now."""
    if rows[LABEL].null_count:
        raise ContractError(
            f"{rows[LABEL].null_count} of {rows.num_rows} training rows have no label. Drop them first."
        )
    values: npt.NDArray[np.float64] = rows[LABEL].to_numpy().astype(np.float64)
    return values


def parameters(training: TrainingBehaviour) -> dict[str, object]:
    """LightGBM's parameters; with threads, seed and row-wise histograms fixed a model is reproducible bit by bit."""
    return {
        "objective": "binary",
        "learning_rate": training.learning_rate,
        "num_leaves": training.leaves,
        "min_data_in_leaf": training.min_leaf_rows,
        "num_threads": training.threads,
        "seed": training.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def train(rows: pa.Table, training: TrainingBehaviour) -> lgb.Booster:
    """A booster of `training.trees` trees over all `rows`."""
    import lightgbm as lgb  # costs 50 MB: whoever only wants the matrix goes without

    data = lgb.Dataset(features(rows), labels(rows), feature_name=list(FEATURE_NAMES), free_raw_data=True)
    return lgb.train(parameters(training), data, num_boost_round=training.trees)


def predict(booster: lgb.Booster, matrix: Matrix) -> npt.NDArray[np.float64]:
    """P(late) by LightGBM itself, in one thread: on a busy machine its threads wait for each other for minutes."""
    return np.asarray(booster.predict(matrix, num_threads=1), dtype=np.float64)
