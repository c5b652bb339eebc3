"""The local runtime on a running stack, driven as a person would. The tests run in this order, on one stack."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest

from ontime.runtime.process_environment import COMPONENT, SILENT
from ontime.runtime.processes import members
from tests.stack.driver import WITHOUT_DATA, Stack, clone, git, until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def tree(platform: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the checkout to change and deploy."""
    path = tmp_path_factory.mktemp("deploys") / "tree"
    clone(platform.tree, path)
    return path


def commit(tree: Path, name: str, change: str) -> str:
    """Appends `change` to a file and commits it; returns the release's name."""
    with (tree / name).open("a") as file:
        file.write(change)
    git(tree, "commit", "-qam", f"Change {name}")
    return git(tree, "rev-parse", "HEAD")[:12]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_status_tells_what_runs(platform: Stack) -> None:
    until(lambda: platform.ontime("status", *WITHOUT_DATA, check=False).returncode == 0, "all is ready", 60)
    told = platform.status()

    assert told["serving"]["state"] == "stopped"
    assert platform.ontime("status", check=False).returncode == 1
    for name in WITHOUT_DATA:
        assert psutil.pid_exists(told[name]["pid"])
        assert 5 < told[name]["memory_mib"] < told[name]["memory_limit_mib"]
        assert told[name]["restarts"] == 0


def test_components_get_a_clean_environment(platform: Stack) -> None:
    for name, processes in members(platform.state).items():
        for process in processes:
            variables = process.environ()

            assert "LEAKED_SECRET" not in variables
            assert variables[COMPONENT] == name
            assert {key: variables.get(key) for key in SILENT} == SILENT
            assert variables["TZ"] == "UTC"


def test_every_address_is_on_the_loopback_interface_only(platform: Stack) -> None:
    pids = {process.pid for group in members(platform.state).values() for process in group}
    open_ones = [c for c in psutil.net_connections("inet") if c.status == psutil.CONN_LISTEN and c.pid in pids]
    addresses = [connection.laddr.ip for connection in open_ones if connection.laddr]

    assert set(addresses) == {"127.0.0.1"}
    assert len(addresses) >= 7


@pytest.mark.parametrize("name", ["ingest", "mlflow", "airflow-scheduler"])
def test_a_killed_component_is_told_and_comes_back(platform: Stack, name: str) -> None:
    before = platform.status(name)[name]
    kill(before["pid"])

    def told() -> dict[str, Any] | None:
        now = platform.status(name)[name]
        return now if now["restarts"] > before["restarts"] else None

    first = until(told, "the restart is told", 15)
    after = platform.wait_ready(name)

    assert first["pid"] != before["pid"]
    assert after["restarts"] == before["restarts"] + 1
    assert after["since"] > before["since"]
    mine = {process.pid for process in psutil.Process(after["pid"]).children(recursive=True)} | {after["pid"]}
    assert {process.pid for process in members(platform.state)[name]} <= mine


def test_a_taken_port_is_named_with_its_holder(platform: Stack) -> None:
    port = platform.status("dashboards")["dashboards"]["port"]
    platform.ontime("stop", "dashboards")
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", port))
        thief.listen()
        refused = platform.ontime("up", "--tree", str(platform.tree), "dashboards", check=False)

    assert refused.returncode == 1
    assert f"error: Port {port} of dashboards is held by process {os.getpid()}" in refused.stderr
    platform.ontime("up", "--tree", str(platform.tree), "dashboards")
    assert platform.status("dashboards")["dashboards"]["state"] == "ready"


def test_a_deploy_restarts_only_what_changed_and_undo_goes_back(platform: Stack, tree: Path) -> None:
    first = git(tree, "rev-parse", "HEAD")[:12]
    before = platform.status()
    name = commit(tree, "platform/ontime/ingest/service.py", "\n# changed\n")
    (tree / "ontime.toml").write_text("not committed, so not deployed")
    done = platform.ontime("deploy", str(tree))
    after = platform.status()

    assert "Uncommitted edits run nowhere: ontime.toml" in done.stderr
    assert (platform.state / "current").resolve().name == name
    assert {n for n in after if after[n]["pid"] != before[n]["pid"]} == {"ingest"}
    assert psutil.Process(after["ingest"]["pid"]).environ()["ONTIME_REVISION"] == name
    git(tree, "checkout", "-q", "ontime.toml")

    platform.ontime("undo")
    assert (platform.state / "current").resolve().name == first
    assert platform.status("ingest")["ingest"]["state"] == "ready"


def test_a_release_that_cannot_work_is_refused_and_nothing_changes(platform: Stack, tree: Path) -> None:
    before = platform.status()
    current = (platform.state / "current").resolve()
    commit(tree, "monitoring/dashboards/app.py", "\nimport nothing_like_it\n")
    refused = platform.ontime("deploy", str(tree), check=False)

    assert refused.returncode == 1
    assert "error: The release is refused:" in refused.stderr
    assert "No module named 'nothing_like_it'" in refused.stderr
    assert (platform.state / "current").resolve() == current
    assert {n: c["pid"] for n, c in platform.status().items()} == {n: c["pid"] for n, c in before.items()}
    git(tree, "revert", "--no-edit", "HEAD")


def test_a_release_that_does_not_get_ready_is_taken_back(platform: Stack, tree: Path) -> None:
    current = (platform.state / "current").resolve()
    path = tree / "monitoring/dashboards/__main__.py"
    path.write_text("raise SystemExit('it does not want to')\n")
    git(tree, "commit", "-qam", "Break the start")
    refused = platform.ontime("deploy", str(tree), check=False)

    assert refused.returncode == 1
    assert (
        f"was taken back, {current.name} is current again. dashboards ends as soon as it is started" in refused.stderr
    )
    assert "it does not want to" in refused.stderr
    assert (platform.state / "current").resolve() == current
    assert platform.status("dashboards")["dashboards"]["state"] == "ready"


def test_a_changed_dag_is_seen_without_a_restart(platform: Stack, tree: Path) -> None:
    before = platform.status()
    (tree / "dags").mkdir(exist_ok=True)
    (tree / "dags" / "hello.py").write_text(
        "from airflow.sdk import dag, task\n\n\n@dag(schedule=None)\ndef hello():\n"
        "    @task\n    def say():\n        print('hello')\n\n    say()\n\n\nhello()\n"
    )
    git(tree, "checkout", "-q", "HEAD~1", "--", "monitoring/dashboards/__main__.py")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "A new DAG")
    platform.ontime("deploy", str(tree))

    def run() -> str | None:
        done = platform.ontime("dag", "trigger", "hello", "--wait", "120", check=False)
        return done.stdout if done.returncode == 0 else None

    assert "hello: success" in until(run, "the new DAG runs", 150)
    assert platform.status("airflow-scheduler")["airflow-scheduler"]["pid"] == before["airflow-scheduler"]["pid"]


def test_a_killed_supervisor_is_told_and_up_puts_it_right(platform: Stack) -> None:
    supervisor = int((platform.state / "run" / "supervisor.pid").read_text())
    kill(supervisor)
    until(lambda: not psutil.pid_exists(supervisor), "the supervisor is gone", 10)
    told = platform.status()

    assert {component["state"] for component in told.values()} <= {"unsupervised", "stopped"}
    assert platform.ontime("status", check=False).returncode == 1
    again = platform.ontime("up", *WITHOUT_DATA, "--tree", str(platform.tree))
    assert "Removed the socket and PID file of a supervisor that is gone." in again.stderr
    until(lambda: platform.ontime("status", *WITHOUT_DATA, check=False).returncode == 0, "all is ready", 60)


def test_down_leaves_no_process_and_no_port(platform: Stack) -> None:
    urls = [component["port"] for component in platform.status().values() if component["port"]]
    platform.ontime("down")

    assert members(platform.state) == {}
    marked = [
        p for p in psutil.process_iter(["cmdline"]) if str(platform.state) in " ".join(p.info.get("cmdline") or [])
    ]
    assert marked == []
    for port in urls:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    assert {component["state"] for component in platform.status().values()} == {"stopped"}
    platform.ontime("down")
