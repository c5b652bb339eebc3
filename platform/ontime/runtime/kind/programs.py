"""Programs that the kind runtime needs from PATH, and how one of them is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ontime.errors import RuntimeStateError

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True)
class Program:
    """`least` is the oldest version that will do; `asking` prints the one that is there."""

    name: str
    least: tuple[int, int]
    asking: tuple[str, ...]
    remedy: str


DOCKER = Program(
    "docker", (20, 10), ("version", "--format", "{{.Client.Version}}"), "Install Docker Engine or Docker Desktop."
)
KIND = Program("kind", (0, 24), ("version", "-q"), "Install kind from https://kind.sigs.k8s.io and put it on PATH.")
KUBECTL = Program(
    "kubectl",
    (1, 30),
    ("version", "--client", "-o", "json"),
    "Install kubectl of the cluster's version, or one beside it.",
)
PROGRAMS = (DOCKER, KIND, KUBECTL)


def run(
    command: Sequence[str],
    seconds: float = 60.0,
    text: str | None = None,
    check: bool = True,
    variables: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Done:
    """Runs a program to its end; `text` is its standard input.

    Raises `RuntimeStateError` when it is not on PATH or not done in time and, with `check`, when it fails: with what it
    said last.
    """
    given = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
    try:
        done: Done = subprocess.run(
            list(command),
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=cwd,
            env={**os.environ, **(variables or {})},
            **given,
        )
    except FileNotFoundError as error:
        remedy = next((program.remedy for program in PROGRAMS if program.name == command[0]), "Install it.")
        raise RuntimeStateError(f"{command[0]} is not on PATH. {remedy}") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeStateError(f"{' '.join(command[:4])} was not done after {seconds:.0f} s.") from error
    if check and done.returncode != 0:
        raise RuntimeStateError(f"{' '.join(command[:4])} failed: {last_words(done)}")
    return done


def last_words(done: Done, lines: int = 6) -> str:
    """The last lines of what a program said; standard error is preferred."""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return "\n".join(said[-lines:]) or f"exit code {done.returncode}, and it said nothing"


def version_of(program: Program) -> tuple[int, int] | None:
    """The version on PATH, or None when it tells none. Raises `RuntimeStateError` when the program is not there."""
    done = run([program.name, *program.asking], 20, check=False)
    text = done.stdout
    if program.asking[-1] == "json":
        try:
            text = json.loads(text)["clientVersion"]["gitVersion"]
        except (ValueError, KeyError):
            return None
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def path_of(program: Program) -> str | None:
    return shutil.which(program.name)
