from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from brownout.errors import PlatformError
from brownout.platform import Platform
from brownout.settings import Harness
from ontime.settings import Environment

TELLS = """
import json, os, sys
if sys.argv[1] == "fail":
    print("some progress\\nerror: the port is taken\\nby somebody", file=sys.stderr)
    sys.exit(4)
told = {"arguments": sys.argv[1:], "variables": dict(os.environ), "directory": os.getcwd(), "path": sys.path}
print(json.dumps(told))
"""


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A platform whose current release has a command line that tells how it was called."""
    package = tmp_path / "state/releases/abc/platform/ontime/cli"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(TELLS)
    (tmp_path / "state/current").symlink_to("releases/abc")
    monkeypatch.setenv("BROWNOUT_STATE", "/somewhere/secret")
    monkeypatch.setenv("SCENARIO", "mid-01")
    environment = Environment(state=tmp_path / "state", ingest_url="http://127.0.0.1:21598")
    return Platform(environment, Harness(state=tmp_path / "harness"), None, Path(sys.executable))


def test_a_command_runs_out_of_the_current_release(platform: Platform) -> None:
    told = json.loads(platform.ontime("status", "--json").stdout)

    assert told["arguments"] == ["status", "--json"]
    assert told["directory"] == str(platform.environment.state / "releases/abc")
    assert told["path"][:2] == [f"{platform.environment.current}/platform", str(platform.environment.current)]


def test_a_command_is_told_addresses_and_nothing_of_the_harness(platform: Platform) -> None:
    variables = json.loads(platform.ontime("status").stdout)["variables"]
    strangers = {
        name
        for name in variables
        if not name.startswith("ONTIME_") and ("BROWNOUT" in name or "SCENARIO" in name or "secret" in variables[name])
    }

    assert strangers == set()
    assert variables["ONTIME_INGEST_URL"] == "http://127.0.0.1:21598"
    assert variables["ONTIME_STATE"] == str(platform.environment.state)
    assert variables["DO_NOT_TRACK"] == "true"


def test_a_question_runs_over_the_release_and_stands_in_no_argument(platform: Platform) -> None:
    program = "import json, os, sys\nprint(json.dumps([sys.argv, sys.path[:2], dict(os.environ)]))\nsys.exit(3)\n"
    done = platform.run_python(program)
    arguments, path, variables = json.loads(done.stdout)

    assert done.returncode == 3
    assert arguments == ["-"]
    assert path == [f"{platform.environment.current}/platform", str(platform.environment.current)]
    assert not [name for name in variables if "BROWNOUT" in name]


def test_a_failure_is_told_with_its_reason(platform: Platform) -> None:
    with pytest.raises(
        PlatformError, match=r"ontime fail ended with exit code 4: error: the port is taken\nby somebody"
    ):
        platform.ontime("fail")

    assert platform.ontime("fail", check=False).returncode == 4


def test_without_a_release_the_remedy_is_named(tmp_path: Path) -> None:
    platform = Platform(Environment(state=tmp_path), Harness(state=tmp_path), None, Path(sys.executable))

    with pytest.raises(PlatformError, match=r"no release at .*current\. Restore a baseline"):
        platform.start()


def test_what_another_user_left_behind_is_handed_over_before_the_start(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    monkeypatch.setattr("brownout.platform.hand_over", lambda path, to: done.append((path, to.user)))
    monkeypatch.setattr(Platform, "ontime", lambda _, *arguments: done.append(arguments))

    replace(platform, user="oncall").start(["ingest"])

    assert done == [(platform.environment.state, "oncall"), ("up", "ingest")]
