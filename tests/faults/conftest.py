"""A whole stack of its own for the proofs: free ports, a state that goes away, nothing left running."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from brownout.settings import harness
from brownout.stack import Stack
from ontime.settings import environment
from tests.stack.driver import LOGS, free_ports

PLATFORM = ("INGEST", "SERVING", "MLFLOW", "AIRFLOW", "PROMETHEUS", "ALERTMANAGER", "EXPORTER", "DASHBOARDS")
HARNESS = ("PROCTOR", "METRICS", "PROMETHEUS", "WAY_IN", "WORLD")


@pytest.fixture(scope="session", autouse=True)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The stack that this session's environment names; it starts when a proof or an interview needs it."""
    root = Path(tempfile.mkdtemp(prefix="stack-", dir="/var/tmp"))
    root.chmod(0o755)
    ports = iter(free_ports(len(PLATFORM) + len(HARNESS)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONTIME_STATE", str(root / "platform"))
        patch.setenv("BROWNOUT_STATE", str(root / "mine"))
        for side, names in (("ONTIME", PLATFORM), ("BROWNOUT", HARNESS)):
            for name in names:
                patch.setenv(f"{side}_{name}_URL", f"http://127.0.0.1:{next(ports)}")
        environment.cache_clear()
        harness.cache_clear()
        made = Stack(harness(), environment(), lambda *_: None)
        try:
            yield made
        finally:
            made.down()
            if request.session.testsfailed:
                _keep_logs(root)
            shutil.rmtree(root, ignore_errors=True)
            environment.cache_clear()
            harness.cache_clear()


def _keep_logs(root: Path) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    for path in root.glob("*/log/*.log"):
        shutil.copy(path, LOGS / f"{path.parts[-3]}-{path.name}")
