"""As the candidate: files, /proc, sockets and sudo, searched for the answer on a running stack."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress

import httpx
import psutil
import pytest

from brownout.faults import discover
from brownout.interview import current
from brownout.scenarios import load
from brownout.secrecy import Secrecy, secrecy
from brownout.settings import ROOT, harness
from ontime.settings import environment
from tests.faults.conftest import Brownout

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def candidate(brownout: Brownout) -> Secrecy:
    """The candidate's user, on a stack that runs. Where there can be none, that must be what is told."""
    up = brownout("up")
    assert up.returncode == 0, up.stdout
    found = secrecy(harness())
    if found.user is None:
        assert found.level == "on-trust"
        pytest.skip(f"no user of its own on this machine: {found.why}")
    return found


def tries(candidate: Secrecy, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        candidate.command(*command), capture_output=True, text=True, check=False, cwd="/", timeout=120
    )


def test_files_of_the_interviewer_are_closed(candidate: Secrecy) -> None:
    interview = current(harness())
    secret = [ROOT / "interview", harness().state, harness().run, harness().interviews, harness().baselines]
    secret += [interview.folder / "ledger.db"] if interview else []
    opened = [str(path) for path in secret if tries(candidate, "ls", str(path)).returncode == 0]

    assert opened == []


def test_processes_tell_nothing(candidate: Secrecy) -> None:
    script = (
        "import pathlib\n"
        "for name in ('cmdline', 'environ'):\n"
        "    for path in pathlib.Path('/proc').glob(f'[0-9]*/{name}'):\n"
        "        try: print(path.read_bytes().replace(b'\\0', b' ').decode(errors='replace'))\n"
        "        except OSError: pass\n"
    )
    seen = tries(candidate, sys.executable, "-c", script).stdout
    answers = [*discover(), *load(), (harness().run / "proctor.token").read_text().strip()]

    assert "ontime" in seen
    assert [answer for answer in answers if answer in seen] == []


def test_the_platform_has_no_variable_of_the_harness(candidate: Secrecy) -> None:
    variables: set[str] = set()
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.username() == candidate.user:
                variables |= process.environ().keys()

    assert "ONTIME_STATE" in variables
    assert [name for name in variables if "brownout" in name.lower()] == []


def test_sockets_of_the_interviewer_want_a_secret(candidate: Secrecy) -> None:
    here = harness()
    interview = current(here)
    access = interview.access() if interview else None
    headers = [{}, {"Authorization": "Bearer guess"}]
    headers += [{"Authorization": f"Bearer {access.code}"}] if access else []
    doors = [
        f"{here.proctor_url}/interviews",
        f"{here.proctor_url}/interviews/current",
        f"{here.proctor_url}/openapi.json",
        f"{here.metrics_url}/metrics",
        f"{here.prometheus_url}/api/v1/query?query=up",
        f"{here.world_url}/status",
    ]
    codes = {(door, httpx.get(door, headers=h, trust_env=False).status_code) for door in doors for h in headers}

    assert [entry for entry in codes if entry[1] not in (401, 403)] == []


def test_there_is_no_way_up(candidate: Secrecy) -> None:
    assert tries(candidate, "sudo", "-n", "true").returncode != 0
    assert tries(candidate, "su", "root", "-c", "true").returncode != 0


def test_nothing_that_can_be_read_names_an_answer(candidate: Secrecy) -> None:
    pattern = "|".join([*map(re.escape, discover()), "brownout"])
    place = str(environment().state)
    found = tries(candidate, "grep", "-rIlE", "--exclude-dir=venv", pattern, place).stdout.splitlines()

    assert found == []
