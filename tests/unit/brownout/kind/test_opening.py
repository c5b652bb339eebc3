from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from brownout.evidence import access_logs
from brownout.kind import opening
from ontime.settings import Environment

SECONDS = 10.0
SAYS = """#!/bin/sh
echo "$@" >>{place}/asked
echo 'asked GET /mlflow/'
"""


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in whose log ends after a line, as a pod's does that is restarted; where it writes what it was asked."""
    program = tmp_path / "kubectl"
    program.write_text(SAYS.format(place=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(opening, "AGAIN_SECONDS", 0.01)
    return tmp_path / "asked"


def test_jupyterlabs_log_is_passed_on_across_restarts(kubectl: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async def until_it_was_asked_twice() -> None:
        work = asyncio.create_task(opening.follow(Environment(namespace="second")))
        async with asyncio.timeout(SECONDS):
            while not kubectl.exists() or len(kubectl.read_text().splitlines()) < 2:
                await asyncio.sleep(0.01)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    asyncio.run(until_it_was_asked_twice())
    asked, said = kubectl.read_text().splitlines(), capfd.readouterr().out.splitlines()

    assert all("--namespace second logs deployment/workstation" in line and "--follow" in line for line in asked)
    assert {access_logs.way_in(line) for line in said} == {"mlflow"}
