from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ontime.settings import ROOT


def ontime(*arguments: str, state: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "ontime.cli", *arguments],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(state),
            "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
            "ONTIME_STATE": str(state),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_status_of_a_stack_that_was_never_started(tmp_path: Path) -> None:
    began = time.monotonic()
    done = ontime("status", "--json", state=tmp_path)
    told = json.loads(done.stdout)

    assert done.returncode == 1
    assert told["ready"] is False
    assert {component["state"] for component in told["components"]} == {"stopped"}
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("status", "servin"), 2, "error: Unknown component 'servin'. Did you mean serving"),
        (("logs", "nothing-like-it-at-all"), 2, "error: Unknown component"),
        (("restart",), 2, "error: Name the components to restart, or give --all."),
        (("restart", "serving"), 1, "error: The stack is down. Start it with: ontime up"),
        (("undo",), 1, "error: There is no healthy deploy before the current one."),
        (("deploy", "/nowhere"), 1, "error: git log in /nowhere failed"),
        (("no-such-command",), 2, "error: No such command 'no-such-command'."),
        (("status", "--no-such-option"), 2, "error: No such option: --no-such-option"),
    ],
)
def test_errors_are_one_line_with_the_remedy(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = ontime(*arguments, state=tmp_path)

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


def test_a_bad_address_is_named(tmp_path: Path) -> None:
    done = ontime("status", state=tmp_path, ONTIME_SERVING_WORKERS="many")

    assert done.returncode == 2
    assert "serving_workers" in done.stderr.lower()
    assert "'many'" in done.stderr


def test_kind_without_its_programs_says_what_is_missing_and_the_other_way(tmp_path: Path) -> None:
    done = ontime("up", state=tmp_path, ONTIME_RUNTIME="kind", PATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.startswith("error: The platform cannot run in kind.")
    assert "kind: kind is not on PATH. Install kind" in done.stderr
    assert "make up RUNTIME=local" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [("deploy", "."), ("undo",)])
def test_what_needs_the_state_volume_says_where_it_is(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = ontime(*command, state=tmp_path, ONTIME_RUNTIME="kind")

    assert done.returncode == 2
    assert "Run it at the workstation" in done.stderr


def test_config_says_where_each_value_comes_from(tmp_path: Path) -> None:
    found = {s["key"]: s for s in json.loads(ontime("config", "--json", state=tmp_path).stdout)}

    assert found["ONTIME_STATE"] == {"key": "ONTIME_STATE", "value": str(tmp_path), "source": "environment"}
    assert found["ONTIME_INGEST_URL"]["source"] == "default"
    assert found["gates.min_rows"]["source"] == "ontime.toml"


def test_no_colour_when_none_is_wanted(tmp_path: Path) -> None:
    for variables, arguments in (({"NO_COLOR": "1"}, ()), ({}, ("--no-color",))):
        done = ontime(*arguments, "status", state=tmp_path, **variables)

        assert "\x1b[" not in done.stdout + done.stderr
