from __future__ import annotations

import pytest

from ontime.errors import RuntimeStateError
from ontime.runtime.kind import checks


def refusal() -> str:
    with pytest.raises(RuntimeStateError) as caught:
        checks.require()
    return str(caught.value)


def test_everything_in_order_is_let_pass(programs) -> None:
    checks.require()

    assert all(finding.good for finding in checks.findings())


@pytest.mark.parametrize("name", ["docker", "kind", "kubectl"])
def test_a_missing_program_is_named_with_its_remedy(programs, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.remove(name)
    monkeypatch.setenv("PATH", str(programs.directory))

    said = refusal()

    assert f"{name} is not on PATH. Install" in said
    assert "make up RUNTIME=local" in said


@pytest.mark.parametrize(
    ("words", "says", "named"),
    [
        (("docker", "version"), "19.3.1", "docker: version 19.3 is older than 20.10"),
        (("kind", "version"), "0.20.0", "kind: version 0.20 is older than 0.24"),
        (("kubectl", "version"), {"clientVersion": {"gitVersion": "v1.20.2"}}, "kubectl: version 1.20 is older"),
        (("kubectl", "version"), "not json", "kubectl: it does not tell its version"),
    ],
)
def test_an_old_program_is_named_with_both_versions(programs, words, says, named) -> None:
    programs.when(*words, says=says)

    assert named in refusal()


def test_a_daemon_that_does_not_run_is_told_from_a_missing_docker(programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.9:2375")
    programs.when("docker", "info", complains="Cannot connect to the Docker daemon", code=1)

    said = refusal()

    assert "docker daemon: at tcp://10.0.0.9:2375 does not answer: Cannot connect" in said
    assert "Start Docker" in said


def test_errors_of_the_server_count_though_docker_info_ends_well(programs) -> None:
    programs.when("docker", "info", says={"ServerErrors": ["permission denied"], "ServerVersion": ""})

    assert "permission denied" in refusal()


def test_too_little_memory_is_said_with_both_figures(programs) -> None:
    programs.when("docker", "info", says={"ServerVersion": "28.2.2", "MemTotal": 2 * 2**30})

    assert "memory: 2.0 GiB, 6 wanted. Give Docker more memory" in refusal()


def test_a_new_docker_without_buildx_is_said(programs) -> None:
    programs.when("docker", "buildx", code=1)

    assert "has no buildx plugin" in refusal()


def test_an_old_docker_needs_no_buildx(programs) -> None:
    programs.when("docker", "version", says="20.10.24")
    programs.when("docker", "buildx", code=1)

    checks.require()
