"""The merged bag is the mean of its boosters, and honest ONNX."""

from __future__ import annotations

from pathlib import Path

import lightgbm as lgb
import numpy as np

from brownout.faults.models import Recipe, merge, train_bag
from ontime.contract import FEATURE_NAMES
from ontime.export import largest_delta, write_onnx
from ontime.scorer import Scorer


def rows(count: int = 600) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(4)
    matrix = source.normal(size=(count, len(FEATURE_NAMES))).astype(np.float32)
    late = (matrix[:, 3] + source.normal(size=count) > 0).astype(np.float64)
    return matrix, late


def booster(seed: int) -> lgb.Booster:
    matrix, late = rows()
    chosen = np.random.default_rng(seed).permutation(len(late))[:300]
    data = lgb.Dataset(matrix[chosen], late[chosen], feature_name=list(FEATURE_NAMES))
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lgb.train(settings, data, num_boost_round=7 + seed)


def test_the_raw_score_is_the_mean() -> None:
    matrix, _ = rows()
    boosters = [booster(seed) for seed in range(4)]
    merged = merge(boosters)
    expected = np.mean([b.predict(matrix, raw_score=True) for b in boosters], axis=0)

    assert merged.num_trees() == sum(b.num_trees() for b in boosters)
    np.testing.assert_allclose(merged.predict(matrix, raw_score=True), expected, rtol=1e-9, atol=1e-9)


def test_a_bag_exports_and_repeats(tmp_path: Path) -> None:
    matrix, late = rows()
    recipe = Recipe(bags=5, trees=6, min_leaf_rows=5, row_share=0.5)
    bag = train_bag(recipe, matrix, late, workers=1)
    again = train_bag(recipe, matrix, late, workers=3)
    scorer = Scorer(write_onnx(bag, tmp_path / "bag.onnx"))

    assert bag.num_trees() == recipe.total_trees
    assert bag.model_to_string() == again.model_to_string()
    assert largest_delta(bag, scorer, matrix) < 1e-5
