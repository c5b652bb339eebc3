"""A whole stack of its own for the rehearsals: free ports, a state that goes away, nothing left running."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brownout.settings import ROOT, harness
from ontime.settings import environment
from tests.stack.driver import LOGS, free_ports, platform_urls

HARNESS = ("PROCTOR", "METRICS", "PROMETHEUS", "WAY_IN", "WORLD", "CONSOLE")
COMMAND_SECONDS = 1500

Brownout = Callable[..., subprocess.CompletedProcess[str]]
"""Runs `brownout …` as a person does, on this session's stack."""


def _brownout(*arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(path) for path in (ROOT / "platform", ROOT / "interview", ROOT))
    return subprocess.run(
        [sys.executable, "-P", "-m", "brownout.cli", *arguments],
        env={**os.environ, "PYTHONPATH": paths, "NO_COLOR": "1"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )


@pytest.fixture(scope="session")
def brownout(request: pytest.FixtureRequest) -> Iterator[Brownout]:
    """The command line, in an environment that names a stack of this session's own; it starts when it is needed."""
    root = Path(tempfile.mkdtemp(prefix="stack-", dir="/var/tmp"))
    root.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONTIME_STATE", str(root / "platform"))
        patch.setenv("BROWNOUT_STATE", str(root / "mine"))
        for name, url in platform_urls().items():
            patch.setenv(name, url)
        for name, port in zip(HARNESS, free_ports(len(HARNESS)), strict=True):
            patch.setenv(f"BROWNOUT_{name}_URL", f"http://127.0.0.1:{port}")
        environment.cache_clear()
        harness.cache_clear()
        try:
            yield _brownout
        finally:
            _brownout("down")
            if request.session.testsfailed:
                _keep_logs(root)
            shutil.rmtree(root, ignore_errors=True)
            environment.cache_clear()
            harness.cache_clear()


def _keep_logs(root: Path) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    for path in root.glob("*/log/*.log"):
        shutil.copy(path, LOGS / f"{path.parts[-3]}-{path.name}")
