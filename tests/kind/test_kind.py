"""On a real kind cluster: up, a prediction, interviews with the facts they have locally, two at once, limits, down.

Makes a cluster of its own (`ontime-test`) and deletes it. Base, node and third-party images are those of the
environment: see docs/cluster.md for machines that reach no registry.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = "ontime-test"
SCENARIOS = ("junior-01", "mid-01")
OF_KUBERNETES = ("mid-06", "mid-07", "mid-08")
SECONDS = 3600

pytestmark = [pytest.mark.kind, pytest.mark.timeout(3 * SECONDS)]


def why_not() -> str:
    for program in ("docker", "kind", "kubectl"):
        if shutil.which(program) is None:
            return f"{program} is not on PATH"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        return "no Docker daemon answers"
    return ""


class Stack:
    """The interviewer's command line on a cluster of the test's own."""

    def __init__(self, place: Path) -> None:
        self.variables = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}/platform:{ROOT}/interview:{ROOT}",
            "ONTIME_RUNTIME": "kind",
            "ONTIME_CLUSTER": CLUSTER,
            "ONTIME_STATE": str(place / "platform"),
            "BROWNOUT_STATE": str(place / "harness"),
            "KUBECONFIG": str(place / "kubeconfig"),
            "NO_COLOR": "1",
        }

    def brownout(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "brownout.cli", *arguments],
            env=self.variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

        assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", "--context", f"kind-{CLUSTER}", *arguments],
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def at_workstation(self, *command: str) -> subprocess.CompletedProcess[str]:
        where = ("-n", "ontime", "exec", "deployment/workstation", "-c", "workstation", "--")
        return self.kubectl(*where, *command)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if reason := why_not():
        pytest.skip(f"{reason}: the kind runtime cannot be tried here")
    found = Stack(tmp_path_factory.mktemp("kind"))
    try:
        found.brownout("up")
        yield found
    finally:
        found.brownout("down", check=False)


def test_everything_is_ready_and_up_converges(stack: Stack) -> None:
    told = json.loads(stack.brownout("status", "--json").stdout)
    stack.brownout("up")

    assert told["ready"]


def test_a_prediction_is_answered_at_this_machines_port(stack: Stack) -> None:
    del stack
    with urllib.request.urlopen("http://127.0.0.1:7102/readyz", timeout=10) as answer:
        told = json.loads(answer.read())

    assert told["model_version"] != "fallback"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:7105/prometheus/-/ready", 200),
        ("http://127.0.0.1:7104/airflow/", 200),
        ("http://127.0.0.1:7108/readyz", 200),
        ("http://127.0.0.1:7206/healthz", 200),
        ("http://127.0.0.1:7203/-/ready", 401),
    ],
)
def test_the_interviewers_pages_are_at_this_machines_ports(stack: Stack, url: str, code: int) -> None:
    """The last one is a Prometheus that wants a password."""
    del stack

    assert httpx.get(url, timeout=10, trust_env=False).status_code == code


@pytest.mark.parametrize("scenario", [*SCENARIOS, *OF_KUBERNETES])
def test_a_rehearsal_ends_with_the_facts_that_it_promises(stack: Stack, scenario: str) -> None:
    """The rehearsal itself compares found, mitigated and fixed with what the scenario promises."""
    stack.brownout("reset")
    stack.brownout("rehearsal", scenario)


@pytest.fixture(scope="module")
def opened(stack: Stack) -> Iterator[Stack]:
    """A workstation that somebody sits at."""
    stack.brownout("reset")
    stack.brownout("interview", SCENARIOS[0])
    stack.brownout("start")
    yield stack
    stack.brownout("reset", check=False)


REACHING = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"


@pytest.mark.parametrize(
    "command",
    [
        ("kubectl", "-n", "brownout", "get", "secrets"),
        ("kubectl", "-n", "ontime", "get", "secrets"),
        ("kubectl", "-n", "brownout", "exec", "deployment/proctor", "--", "true"),
        ("kubectl", "-n", "brownout", "get", "pods"),
        ("kubectl", "-n", "brownout", "logs", "deployment/proctor"),
        ("kubectl", "get", "namespaces"),
        ("kubectl", "get", "persistentvolumes"),
        ("kubectl", "get", "nodes"),
        ("kubectl", "get", "pods", "--all-namespaces"),
        ("python3", "-c", REACHING, "proctor.brownout", "7201"),
        ("python3", "-c", REACHING, "proctor.brownout", "7202"),
        ("python3", "-c", REACHING, "proctor.brownout", "7203"),
        ("python3", "-c", REACHING, "proctor.brownout", "7206"),
        ("python3", "-c", "import brownout"),
    ],
    ids=lambda command: " ".join(command[:6]),
)
def test_the_candidate_cannot(opened: Stack, command: tuple[str, ...]) -> None:
    assert opened.at_workstation(*command).returncode != 0


@pytest.mark.parametrize("port", [30201, 30203, 30206])
def test_the_candidate_cannot_reach_the_harness_through_a_node(opened: Stack, port: int) -> None:
    """The nodes' addresses stand in every pod's status, and what comes through them is the interviewer."""
    wanted = ("get", "nodes", "-o", 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}')
    nodes = opened.kubectl(*wanted).stdout.split()
    reached = [
        node for node in nodes if opened.at_workstation("python3", "-c", REACHING, node, str(port)).returncode == 0
    ]

    assert nodes
    assert reached == []


@pytest.mark.parametrize(
    "command",
    [
        ("kubectl", "-n", "ontime", "get", "deployments"),
        ("kubectl", "-n", "ontime", "logs", "deployment/serving"),
        ("kubectl", "-n", "ontime", "rollout", "history", "deployment/serving"),
        ("ontime", "status"),
        ("git", "-C", "/state/workspace", "log", "-1"),
        ("python3", "-c", REACHING, "127.0.0.1", "7102"),
        ("python3", "-c", REACHING, "127.0.0.1", "7201"),
    ],
    ids=lambda command: " ".join(command[:6]),
)
def test_the_candidate_can(opened: Stack, command: tuple[str, ...]) -> None:
    path = "PATH=/state/bin:/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"
    done = opened.at_workstation("env", path, *command)

    assert done.returncode == 0, done.stderr


def test_nothing_that_the_candidate_can_read_names_the_harness(opened: Stack) -> None:
    where = ("-n", "ontime", "get", "pods,deployments,services,configmaps,events,networkpolicies,pvc", "-o", "json")
    said = opened.at_workstation("kubectl", *where).stdout

    assert said
    assert "brownout" not in said
    assert "proctor" not in said


def test_the_harnesss_image_does_not_run_in_the_candidates_namespace(opened: Stack) -> None:
    """Not even where its name is known: a deployment may name it, its pods are refused."""
    wanted = (
        "-n",
        "brownout",
        "get",
        "deployment",
        "proctor",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
    )
    image = opened.kubectl(*wanted).stdout
    opened.at_workstation("kubectl", "-n", "ontime", "set", "image", "deployment/dashboards", f"dashboards={image}")
    try:
        waited = ("wait", "--for=condition=ReplicaFailure", "deployment/dashboards", "--timeout=90s")
        refused = opened.kubectl("-n", "ontime", *waited)
    finally:
        opened.at_workstation("kubectl", "-n", "ontime", "rollout", "undo", "deployment/dashboards")

    assert image.startswith("brownout/")
    assert refused.returncode == 0, refused.stderr


def test_a_reset_puts_back_what_was_changed_with_kubectl(stack: Stack) -> None:
    limit = ("get", "deployment", "serving", "-o", "jsonpath={.spec.template.spec.containers[0].resources.limits.cpu}")
    before = stack.kubectl("-n", "ontime", *limit).stdout
    changed = stack.kubectl(
        "-n", "ontime", "set", "resources", "deployment/serving", "-c=serving", "--limits=cpu=1500m"
    )
    between = stack.kubectl("-n", "ontime", *limit).stdout
    stack.brownout("reset")

    assert changed.returncode == 0, changed.stderr
    assert between == "1500m"
    assert stack.kubectl("-n", "ontime", *limit).stdout == before


def answered(stack: Stack, lead: str, port: int) -> int:
    """What a server says at this machine's port while the command leads there."""
    with subprocess.Popen(shlex.split(lead), env=stack.variables, stdout=subprocess.PIPE, text=True) as leading:
        try:
            assert any(f"127.0.0.1:{port} " in line for line in leading.stdout or ()), f"{lead} ended"
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=30, trust_env=False).status_code
        finally:
            leading.terminate()


def test_two_interviews_run_at_once(stack: Stack) -> None:
    """Each in a namespace of its own, each with its own world, clock and facts."""
    second = ("--namespace", "second")
    stack.brownout("reset")
    try:
        made = json.loads(stack.brownout(*second, "up", "--json").stdout)
        console = answered(stack, made["port_forwards"][0], urlsplit(made["urls"]["console (yours)"]).port or 0)
        with ThreadPoolExecutor() as both:
            runs = [both.submit(stack.brownout, *place, "rehearsal", SCENARIOS[0]) for place in ((), second)]
            done = [run.result() for run in runs]
        told = json.loads(stack.brownout(*second, "status", "--json").stdout)
    finally:
        stack.brownout(*second, "down")

    assert console == 200
    assert [run.returncode for run in done] == [0, 0]
    assert told["ready"]
    assert json.loads(stack.brownout("status", "--json").stdout)["ready"]
