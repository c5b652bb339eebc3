"""Releases: exported trees that the platform runs from, the link to the current one, and the log of what happened.

A release is `releases/<first 12 digits of the commit>`; `current` is a symbolic link that is replaced atomically.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from ontime.clock import Clock
from ontime.errors import RuntimeStateError
from ontime.settings import Environment

EXPORTED = (
    "platform", "dags", "serving", "feature_repo", "monitoring", "k8s", "ontime.toml", "pyproject.toml",
)  # fmt: skip
"""What of a tree is deployed; nothing else of a repository reaches a release."""

KEPT_RELEASES = 30
GIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    subject: str

    @property
    def name(self) -> str:
        return self.sha[:12]


def git(tree: Path, *arguments: str) -> bytes:
    """Output of git in `tree`, which may belong to another user. Raises `RuntimeStateError` with what git said."""
    command = ["git", "-c", f"safe.directory={tree.resolve()}", "-C", str(tree), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=GIT_SECONDS, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise RuntimeStateError("git is not on PATH. Install it, then try again.") from error
    except subprocess.TimeoutExpired as error:
        raise RuntimeStateError(f"git {arguments[0]} in {tree} took longer than {GIT_SECONDS} s.") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeStateError(f"git {arguments[0]} in {tree} failed: {said[0] if said else 'no reason given'}")
    return done.stdout


def is_checkout(tree: Path) -> bool:
    """Whether `tree` is the top of a git checkout."""
    return (tree / ".git").exists()


def head(tree: Path) -> Commit:
    """The commit that would be deployed. Raises `RuntimeStateError`."""
    sha, subject = git(tree, "log", "-1", "--format=%H%n%s").decode().splitlines()[:2]
    return Commit(sha, subject)


def uncommitted(tree: Path) -> list[str]:
    """Exported paths with edits that are not committed, and so run nowhere."""
    listed = git(tree, "status", "--porcelain", "--untracked-files=all", "--", *EXPORTED).decode()
    return [line[3:] for line in listed.splitlines()]


def export(tree: Path, commit: Commit, into: Path) -> None:
    """Writes the deployed part of `commit` to the new directory `into`, every file modified now.

    Raises `RuntimeStateError` when the tree holds no platform.
    """
    present = git(tree, "ls-tree", "--name-only", commit.sha, "--", *EXPORTED).decode().splitlines()
    if "platform" not in present or "ontime.toml" not in present:
        raise RuntimeStateError(f"{tree} at {commit.name} is no platform: it lacks platform/ or ontime.toml.")
    archive = git(tree, "archive", "--format=tar", commit.sha, "--", *present)
    into.mkdir(parents=True)
    into.chmod(0o755)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        # Python's own filter against files that would land outside, where this Python has it (3.11.4).
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        tar.extractall(into)  # noqa: S202
    freshen(into)
    (into / "REVISION").write_text(json.dumps(asdict(commit)) + "\n")
    (into / "REVISION").chmod(0o644)


def revision(root: Path) -> Commit | None:
    """The commit that a release was made from; None for a checkout or anything else."""
    try:
        return Commit(**json.loads((root / "REVISION").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def freshen(root: Path) -> None:
    """Gives every file a modification time of now, so that whoever watches times sees the change back, too."""
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            os.utime(path)


def point_current_at(environment: Environment, root: Path) -> None:
    """Makes `root` the current release, atomically."""
    draft = environment.current.with_name(f".current.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(os.path.relpath(root, environment.current.parent))
    draft.replace(environment.current)


def current(environment: Environment) -> Path | None:
    """The current release's directory, or None."""
    try:
        return environment.current.resolve(strict=True)
    except OSError:
        return None


def changed_paths(old: Path | None, new: Path) -> list[str]:
    """Files, relative to the tree, that differ between two releases; all of `new` when there is no old one."""

    def contents(root: Path) -> dict[str, bytes]:
        files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files if path.name != "REVISION"}

    before, after = contents(old) if old else {}, contents(new)
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def prune(environment: Environment, keep: frozenset[str]) -> None:
    """Removes the oldest releases beyond `KEPT_RELEASES`, never one of `keep`."""
    releases = sorted(
        (path for path in environment.releases.iterdir() if path.is_dir() and not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    for path in releases[:-KEPT_RELEASES]:
        if path.name not in keep:
            shutil.rmtree(path)


Action = Literal["deploy", "undo", "roll back", "start"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of the current release. `world` and `wall` are Unix seconds."""

    wall: float
    world: float
    action: Action
    release: str
    sha: str
    subject: str
    restarted: tuple[str, ...]
    healthy: bool
    note: str = ""


def log_path(environment: Environment) -> Path:
    return environment.state / "releases.jsonl"


def write_entry(
    environment: Environment,
    action: Action,
    commit: Commit,
    restarted: tuple[str, ...],
    healthy: bool,
    note: str = "",
) -> Entry:
    wall = time.time()
    world = Clock(environment.clock).world_seconds(wall)
    entry = Entry(
        round(wall, 3), round(world, 3), action, commit.name, commit.sha, commit.subject, restarted, healthy, note
    )
    with log_path(environment).open("a") as file:
        file.write(json.dumps(asdict(entry)) + "\n")
    return entry


def entries(environment: Environment) -> list[Entry]:
    """The log, oldest first; unreadable lines are left out."""
    try:
        lines = log_path(environment).read_text().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            told = json.loads(line)
            found.append(Entry(**{**told, "restarted": tuple(told["restarted"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return found


def confirm_health(environment: Environment) -> None:
    """Notes that what was started from the current release got ready, unless the log says so already."""
    now = current(environment)
    commit = revision(now) if now else None
    if commit is None or any(entry.release == commit.name and entry.healthy for entry in entries(environment)):
        return
    write_entry(environment, "start", commit, (), healthy=True)


def before_current(environment: Environment) -> Entry | None:
    """The last healthy deploy before the one that is current, or None.

    An undo takes deploys off the top, so a second undo goes further back instead of forward again.
    """
    standing: list[Entry] = []
    for entry in entries(environment):
        if entry.action == "deploy":
            standing.append(entry)
        elif entry.action == "start":
            standing = [replace(e, healthy=True) if e.release == entry.release else e for e in standing]
        else:
            while standing and standing[-1].release != entry.release:
                standing.pop()
    now = current(environment)
    name = now.name if now else None
    usable = [e for e in standing if e.healthy and e.release != name and (environment.releases / e.release).is_dir()]
    return usable[-1] if usable else None
