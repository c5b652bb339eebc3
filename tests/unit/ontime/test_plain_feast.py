from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, os
import {first}
import typeguard
from feast import FeatureView

told = dict(
    checked="typeguard" in FeatureView.__init__.__code__.co_names,
    still=typeguard.typechecked.__name__,
    files="PROMETHEUS_MULTIPROC_DIR" in os.environ,
)
print(json.dumps(told))
"""


@pytest.mark.parametrize(("first", "as_feast_does"), [("ontime.plain_feast", False), ("feast", True)])
def test_feast_leaves_the_process_as_it_was(first: str, as_feast_does: bool) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)], env=clean, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout.splitlines()[-1]) == {
        "checked": as_feast_does,
        "still": "typechecked",
        "files": as_feast_does,
    }
