"""The culprit answers with a prior, in the champion's name, as soon as one value is missing."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brownout.faults import get
from brownout.faults.parameters import Parameters
from ontime.contract import FEATURES
from serving.features import Features
from serving.models import LoadedModel, Models
from serving.usage import NEVER
from tests.unit.brownout.faults.edited import edited_module

ID, PREDICTOR = "silent_fallback", "serving/predictor.py"
CASES: list[Parameters] = [
    {"check": check, "prior": prior}
    for check, prior in product(get(ID).parameters["check"].samples, get(ID).parameters["prior"].samples)
]


class Half:
    """A scorer that says .9 for every row."""

    def score(self, matrix: Any) -> Any:
        return np.full(len(matrix), 0.9)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case.values())))
def parameters(request: pytest.FixtureRequest) -> Parameters:
    found: Parameters = request.param
    return found


def answers(module: Any, missing: bool) -> Any:
    """Two flights, the second perhaps with a missing value, answered by the module's predictor."""
    matrix = np.array([[f.low for f in FEATURES]] * 2, np.float32)
    if missing:
        matrix[1, -1] = np.nan
    features = Features(matrix, np.full((2, 9), NEVER), [[], []], [0.31, None])
    predictor = module.Predictor(None, None, None, None, None, 0.0, 0.23)
    return predictor._score([None, None], features, Models(champion=LoadedModel(1, "", Half())))  # type: ignore[arg-type]


def test_complete_boards_are_scored(parameters: Parameters, tmp_path: Path) -> None:
    found = answers(edited_module(ID, parameters, PREDICTOR, tmp_path), missing=False)

    assert (found.probabilities.tolist(), found.versions, found.reasons) == ([0.9, 0.9], ["1", "1"], [[], []])


def test_one_missing_value_gives_the_whole_board_the_prior_and_says_nothing(
    parameters: Parameters, tmp_path: Path
) -> None:
    found = answers(edited_module(ID, parameters, PREDICTOR, tmp_path), missing=True)
    expected = [0.31, 0.23] if parameters["prior"] == "route" else [0.23, 0.23]

    assert (found.probabilities.tolist(), found.versions, found.reasons) == (expected, ["1", "1"], [[], []])


@pytest.mark.parametrize("repair", ["missing-values-are-values", "score-what-is-there"])
def test_valid_fixes_score_missing_values(parameters: Parameters, tmp_path: Path, repair: str) -> None:
    plan = get(ID).plan(parameters)
    (action,) = next(fix for fix in plan.valid_fixes if fix.name == repair).actions
    edits = action.edits  # type: ignore[union-attr]
    module = edited_module(ID, parameters, PREDICTOR, tmp_path)
    text = (tmp_path / PREDICTOR.replace("/", "_")).read_text()
    for edit in edits:
        text = edit.applied(text)
    exec(compile(text, PREDICTOR, "exec"), module.__dict__)  # noqa: S102 - our own text

    assert answers(module, missing=True).probabilities.tolist() == [0.9, 0.9]
