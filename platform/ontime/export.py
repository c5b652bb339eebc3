"""LightGBM → ONNX, such that both decide alike for every float32 row.

LightGBM compares with 64-bit thresholds, ONNX with 32-bit ones: a threshold rounded *up* sends a value lying between
the two down the other branch. Rounding every threshold *down* to float32 first changes no decision on float32 input,
and is exact in ONNX. Splits that never met a null in training get LightGBM's reading of null (as 0) written out, too.
"""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnx
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from ontime.contract import FEATURE_NAMES, LATE_AFTER_MINUTES, contract_hash
from ontime.errors import ArtifactError
from ontime.scorer import CONTRACT_KEY, FEATURES_KEY, INPUT_NAME, Matrix, Scorer

OPSET = 15
_CATEGORICAL, _DEFAULT_LEFT, _NAN_IS_MISSING, _MISSING_MASK = 1, 2, 2 << 2, 3 << 2


def _float32_at_most(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 ≤ each threshold."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded.astype(np.float64) > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _decision(kind: int, threshold: float) -> int:
    """LightGBM's decision bits, with "no null seen: read it as 0" turned into an explicit default direction."""
    if kind & _CATEGORICAL:
        raise ArtifactError("The model splits on categories; the contract has numbers only. Train without them.")
    if kind & _MISSING_MASK:
        return kind
    return _NAN_IS_MISSING | (_DEFAULT_LEFT if threshold >= 0 else 0)


def float32_exact(booster: lgb.Booster) -> lgb.Booster:
    """The same model for float32 rows (null included), with thresholds that float32 can hold."""
    lines = []
    thresholds: list[float] = []
    for line in booster.model_to_string().splitlines():
        key, _, value = line.partition("=")
        if key == "tree_sizes":
            continue  # byte lengths of the trees, which change; LightGBM reads them one after the other without it
        if key == "threshold" and value:
            thresholds = [float(v) for v in _float32_at_most(np.array(value.split(), dtype=np.float64))]
            line = "threshold=" + " ".join(repr(v) for v in thresholds)
        elif key == "decision_type" and value:
            kinds = (_decision(int(k), t) for k, t in zip(value.split(), thresholds, strict=True))
            line = "decision_type=" + " ".join(map(str, kinds))
        lines.append(line)
    return lgb.Booster(model_str="\n".join(lines) + "\n")


def to_onnx(booster: lgb.Booster) -> onnx.ModelProto:
    """Input `features` float32 [n, 33]; outputs `label` and `probabilities` float32 [n, 2].

    The feature contract's hash and the feature names travel in the model's metadata.
    """
    if tuple(booster.feature_name()) != FEATURE_NAMES:
        raise ArtifactError(f"The model's features are {booster.feature_name()}. Expected {list(FEATURE_NAMES)}.")
    model = convert_lightgbm(
        float32_exact(booster),
        name="ontime-delay",
        initial_types=[(INPUT_NAME, FloatTensorType([None, len(FEATURE_NAMES)]))],
        target_opset=OPSET,
        zipmap=False,
    )
    onnx.helper.set_model_props(
        model,
        {
            CONTRACT_KEY: contract_hash(),
            FEATURES_KEY: json.dumps(FEATURE_NAMES),
            "label": f"arrival delay > {LATE_AFTER_MINUTES:g} minutes",
        },
    )
    return model


def write_onnx(booster: lgb.Booster, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_onnx(booster).SerializeToString(deterministic=True))
    return path


def largest_delta(booster: lgb.Booster, scorer: Scorer, matrix: Matrix) -> float:
    """max |p(LightGBM) − p(ONNX)| over the rows of `matrix`, each also scored with all its values missing in turn.

    Nulling matters: a path that training hardly took is where two runtimes disagree first.
    """
    hollow = np.repeat(matrix[:50], len(FEATURE_NAMES), axis=0)
    hollow[np.arange(len(hollow)), np.arange(len(hollow)) % len(FEATURE_NAMES)] = np.nan
    rows = np.concatenate([matrix, hollow])
    return float(np.max(np.abs(np.asarray(booster.predict(rows, num_threads=1)) - scorer.score(rows)), initial=0.0))
