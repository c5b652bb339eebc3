"""Runs one exported model: the feature matrix in, the probability of a late arrival out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ontime.contract import FEATURE_NAMES, contract_hash
from ontime.errors import ArtifactError

INPUT_NAME = "features"
OUTPUT_NAME = "probabilities"
CONTRACT_KEY = "contract_hash"
FEATURES_KEY = "feature_names"

Matrix = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]


def session_options(intra_op_threads: int, allow_spinning: bool) -> onnxruntime.SessionOptions:
    """Options for latency: few threads that do not fight over the cores, nothing logged below errors."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if allow_spinning else "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


class Scorer:
    """One ONNX session over the model at `path`. Safe to share between threads; not to be pickled.

    Raises `ArtifactError` when the file is no model, or one of another feature contract.
    """

    def __init__(self, path: Path, intra_op_threads: int = 1, allow_spinning: bool = False) -> None:
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), session_options(intra_op_threads, allow_spinning), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime has one exception class per failure, with no common base but this
            raise ArtifactError(
                f"Model {path} cannot be loaded: {error}. Download it from the registry again."
            ) from error
        self._verify(path)

    def _verify(self, path: Path) -> None:
        inputs = [(i.name, i.type, i.shape[1:]) for i in self._session.get_inputs()]
        expected = [(INPUT_NAME, "tensor(float)", [len(FEATURE_NAMES)])]
        if inputs != expected:
            raise ArtifactError(f"Model {path} takes {inputs}. Expected {expected}.")
        if OUTPUT_NAME not in {o.name for o in self._session.get_outputs()}:
            raise ArtifactError(f"Model {path} has no output {OUTPUT_NAME!r}. Export it with ontime.export.")
        made_for = self._session.get_modelmeta().custom_metadata_map.get(CONTRACT_KEY, "")
        if made_for != contract_hash():
            raise ArtifactError(
                f"Model {path} was trained on feature contract {made_for!r}; this platform serves {contract_hash()!r}."
                " Train a version on the present contract."
            )

    def score(self, matrix: Matrix) -> Probabilities:
        """P(arrival more than 15 minutes late) for each row of `matrix` [n, features in FEATURE_NAMES order]."""
        if matrix.ndim != 2 or matrix.shape[1] != len(FEATURE_NAMES) or matrix.dtype != np.float32:
            raise ValueError(
                f"matrix is {matrix.dtype} {matrix.shape};"
                f" expected float32 (n, {len(FEATURE_NAMES)}) in FEATURE_NAMES order"
            )
        if not len(matrix):
            return np.empty(0, dtype=np.float64)
        (probabilities,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: np.ascontiguousarray(matrix)})
        late: Probabilities = probabilities[:, 1].astype(np.float64)
        return late

    def warm_up(self, sizes: tuple[int, ...] = (1, 32, 120)) -> None:
        """Scores empty rows of typical batch sizes, so that the first request does not pay for allocation."""
        for size in sizes:
            self.score(np.full((size, len(FEATURE_NAMES)), np.nan, dtype=np.float32))
