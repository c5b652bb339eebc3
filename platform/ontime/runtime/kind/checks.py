"""What stands in the way of running in kind, each with what to do about it."""

from __future__ import annotations

import json
import os

from ontime.errors import RuntimeStateError
from ontime.runtime.kind.programs import DOCKER, PROGRAMS, last_words, run, version_of
from ontime.runtime.machine import Finding

GIB = 2**30
MEMORY_GIB = 6.0
"""What a control plane and the platform's requests take together."""


def findings() -> list[Finding]:
    """Everything that the kind runtime depends on outside of its cluster, good or not."""
    found = [_program(program.name) for program in PROGRAMS]
    if found[0].good:
        found += _daemon()
    return found


def require() -> None:
    """Raises `RuntimeStateError` with everything that is in the way."""
    wrong = [finding for finding in findings() if finding.needed and not finding.good]
    if wrong:
        listed = "\n".join(f"{finding.what}: {finding.told}" for finding in wrong)
        raise RuntimeStateError(
            f"The platform cannot run in kind.\n{listed}\nWithout Kubernetes: make up RUNTIME=local"
        )


def _program(name: str) -> Finding:
    program = next(program for program in PROGRAMS if program.name == name)
    least = ".".join(map(str, program.least))
    try:
        version = version_of(program)
    except RuntimeStateError as error:
        return Finding(name, False, str(error))
    if version is None:
        return Finding(name, False, f"it does not tell its version. {program.remedy}")
    told = ".".join(map(str, version))
    if version < program.least:
        return Finding(name, False, f"version {told} is older than {least}. {program.remedy}")
    return Finding(name, True, f"version {told}")


def _daemon() -> list[Finding]:
    where = os.environ.get("DOCKER_HOST", "the default socket")
    done = run(["docker", "info", "--format", "{{json .}}"], 30, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        told = {}
    if done.returncode != 0 or told.get("ServerErrors") or not told.get("ServerVersion"):
        said = " ".join(told.get("ServerErrors") or [last_words(done, 1)])
        said = said if said.endswith((".", "?")) else f"{said}."
        remedy = "Start Docker, or point DOCKER_HOST to a daemon that runs, or run as a user who may ask it."
        return [Finding("docker daemon", False, f"at {where} does not answer: {said} {remedy}")]
    found = [Finding("docker daemon", True, f"{told['ServerVersion']} at {where}")]
    memory = float(told.get("MemTotal", 0)) / GIB
    remedy = "" if memory >= MEMORY_GIB else ". Give Docker more memory (in Docker Desktop: Settings, Resources)."
    found.append(Finding("memory", memory >= MEMORY_GIB, f"{memory:.1f} GiB, {MEMORY_GIB:.0f} wanted{remedy}"))
    found.append(_buildkit())
    return found


def _buildkit() -> Finding:
    """From 23 on, the command line builds with BuildKit only through its buildx plugin."""
    client = version_of(DOCKER) or (0, 0)
    if client < (23, 0) or run(["docker", "buildx", "version"], 20, check=False).returncode == 0:
        return Finding("BuildKit", True, "there")
    return Finding(
        "BuildKit", False, "the docker command has no buildx plugin. Install it (Debian: docker-buildx-plugin)."
    )
