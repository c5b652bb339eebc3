"""The proctor stays small: nothing that only training, export or tables need is imported by it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("lightgbm", "sklearn", "scipy", "pandas", "onnx", "onnxmltools", "mlflow", "feast", "airflow", "bentoml")


def test_what_is_dear_is_not_imported() -> None:
    ask = f"import sys, brownout.proctor.__main__; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-P", "-c", ask], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
