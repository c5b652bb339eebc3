from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np
import onnx
import pytest
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from ontime.contract import FEATURE_NAMES, contract_hash
from ontime.errors import ArtifactError
from ontime.export import float32_exact, largest_delta, to_onnx, write_onnx
from ontime.scorer import Matrix, Scorer
from ontime.settings import GateBehaviour
from ontime.training import features, labels, predict, train
from tests.unit.ontime.frames import QUICK, frame

LIMIT = GateBehaviour().max_onnx_delta


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    return train(frame(4000), QUICK)


@pytest.fixture(scope="module")
def unseen() -> Matrix:
    return features(frame(2000, seed=9))


def on_the_thresholds(booster: lgb.Booster) -> Matrix:
    """Rows that sit on the model's own split points: the nearest float32, the one below and the one above."""
    table = booster.trees_to_dataframe().dropna(subset=["threshold"])
    rows = []
    for name, threshold in zip(table["split_feature"], table["threshold"], strict=True):
        nearest = np.float32(threshold)
        for value in (nearest, np.nextafter(nearest, np.float32(-1e9)), np.nextafter(nearest, np.float32(1e9))):
            row = np.zeros(len(FEATURE_NAMES), dtype=np.float32)
            row[FEATURE_NAMES.index(name)] = value
            rows.append(row)
    return np.array(rows)


def test_onnx_answers_what_lightgbm_answers(booster: lgb.Booster, unseen: Matrix, tmp_path: Path) -> None:
    scorer = Scorer(write_onnx(booster, tmp_path / "model.onnx"))

    assert largest_delta(booster, scorer, unseen) <= LIMIT


def test_onnx_decides_alike_on_the_split_points_themselves(booster: lgb.Booster, tmp_path: Path) -> None:
    scorer = Scorer(write_onnx(booster, tmp_path / "model.onnx"))

    assert largest_delta(booster, scorer, on_the_thresholds(booster)) <= LIMIT


def test_a_plain_conversion_decides_otherwise_there(booster: lgb.Booster, tmp_path: Path) -> None:
    """What the rounding is for; without this difference, `float32_exact` would have no reason to be."""
    plain = convert_lightgbm(
        booster,
        initial_types=[("features", FloatTensorType([None, len(FEATURE_NAMES)]))],
        target_opset=15,
        zipmap=False,
    )
    onnx.helper.set_model_props(plain, {"contract_hash": contract_hash()})
    (tmp_path / "plain.onnx").write_bytes(plain.SerializeToString())

    assert largest_delta(booster, Scorer(tmp_path / "plain.onnx"), on_the_thresholds(booster)) > LIMIT


def test_rounding_the_thresholds_changes_no_answer(booster: lgb.Booster, unseen: Matrix) -> None:
    rows = np.concatenate([unseen, on_the_thresholds(booster), np.full((1, len(FEATURE_NAMES)), np.nan, np.float32)])

    np.testing.assert_array_equal(predict(float32_exact(booster), rows), predict(booster, rows))


def test_the_contract_travels_with_the_model(booster: lgb.Booster) -> None:
    properties = {entry.key: entry.value for entry in to_onnx(booster).metadata_props}

    assert properties["contract_hash"] == contract_hash()
    assert properties["label"] == "arrival delay > 15 minutes"


def test_a_wrong_export_is_seen(booster: lgb.Booster, unseen: Matrix, tmp_path: Path) -> None:
    other = train(frame(4000, seed=5), QUICK)

    assert largest_delta(booster, Scorer(write_onnx(other, tmp_path / "other.onnx")), unseen) > LIMIT


def test_a_model_on_other_features_is_refused() -> None:
    rows = frame(500)
    data = lgb.Dataset(features(rows)[:, :2], labels(rows))
    other = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, num_boost_round=1)

    with pytest.raises(ArtifactError, match="Expected"):
        to_onnx(other)
