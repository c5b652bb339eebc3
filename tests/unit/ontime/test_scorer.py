from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from ontime.contract import FEATURE_NAMES
from ontime.errors import ArtifactError
from ontime.export import write_onnx
from ontime.scorer import Scorer
from ontime.training import features, predict, train
from tests.unit.ontime.frames import QUICK, frame


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_onnx(train(frame(2000), QUICK), tmp_path_factory.mktemp("model") / "model.onnx")


def test_scores_are_probabilities_of_being_late(path: Path) -> None:
    rows = frame(2000)

    scores = Scorer(path).score(features(rows))

    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, predict(train(rows, QUICK), features(rows)), atol=1e-6)


def test_a_row_scores_the_same_alone_and_in_a_batch(path: Path) -> None:
    matrix = features(frame(200))
    scorer = Scorer(path)
    scorer.warm_up()

    np.testing.assert_array_equal(
        np.concatenate([scorer.score(matrix[i : i + 1]) for i in range(200)]), scorer.score(matrix)
    )


def test_rows_of_nothing_but_nulls_have_a_score(path: Path) -> None:
    (score,) = Scorer(path).score(np.full((1, len(FEATURE_NAMES)), np.nan, dtype=np.float32))

    assert 0 < score < 1


def test_no_rows_have_no_scores(path: Path) -> None:
    assert Scorer(path).score(np.empty((0, len(FEATURE_NAMES)), dtype=np.float32)).shape == (0,)


@pytest.mark.parametrize("matrix", [np.zeros((1, 32), np.float32), np.zeros((1, 33)), np.zeros(33, np.float32)])
def test_a_matrix_of_the_wrong_form_is_refused(path: Path, matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected float32"):
        Scorer(path).score(matrix)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")

    with pytest.raises(ArtifactError, match=r"broken\.onnx cannot be loaded"):
        Scorer(tmp_path / "broken.onnx")


def test_a_model_of_another_contract_is_refused(path: Path, tmp_path: Path) -> None:
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"contract_hash": "0123456789abcdef"})
    onnx.save_model(model, tmp_path / "old.onnx")

    with pytest.raises(ArtifactError, match="'0123456789abcdef'"):
        Scorer(tmp_path / "old.onnx")


def test_a_model_with_another_input_is_refused(path: Path, tmp_path: Path) -> None:
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 32
    onnx.save_model(model, tmp_path / "narrow.onnx")

    with pytest.raises(ArtifactError, match="Expected"):
        Scorer(tmp_path / "narrow.onnx")
