"""Writes commits with dates of their own into a fresh repository, in one stream, so that nothing dangles."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from brownout.errors import PreparationError

BRANCH = "refs/heads/main"


@dataclass(frozen=True, slots=True)
class Commit:
    """`files` holds what the commit writes; None removes the file."""

    role: str
    at: datetime
    message: str
    files: Mapping[str, bytes | None]
    executable: frozenset[str] = frozenset()


def write(path: Path, commits: Sequence[Commit]) -> str:
    """A repository at `path` with these commits on main, checked out; returns HEAD. Raises `PreparationError`."""
    path.mkdir(parents=True)
    _git(path, "init", "--quiet", "--initial-branch=main", "--template=")
    _git(
        path,
        "fast-import",
        "--quiet",
        "--date-format=raw",
        stdin=b"".join(_stream(c, not i) for i, c in enumerate(commits)),
    )
    _git(path, "reset", "--quiet", "--hard", "main")
    _git(path, "config", "user.name", "on-call")
    _git(path, "config", "user.email", "on-call@ontime.example")
    _git(path, "reflog", "expire", "--expire=now", "--all")
    _git(path, "gc", "--quiet", "--prune=now")
    for name in ("ORIG_HEAD", "FETCH_HEAD", "logs"):
        leftover = path / ".git" / name
        if leftover.is_file():
            leftover.unlink()
    return _git(path, "rev-parse", "HEAD").decode().strip()


def _stream(commit: Commit, first: bool) -> bytes:
    who = f"{commit.role} <{commit.role}@ontime.example> {int(commit.at.timestamp())} -0400"
    message = commit.message.encode()
    parts = [
        f"commit {BRANCH}\nauthor {who}\ncommitter {who}\ndata {len(message)}\n".encode() + message + b"\n",
        b"deleteall\n" if first else b"",
    ]
    for name, content in sorted(commit.files.items()):
        if content is None:
            parts.append(f"D {name}\n".encode())
        else:
            mode = "100755" if name in commit.executable else "100644"
            parts.append(f"M {mode} inline {name}\ndata {len(content)}\n".encode() + content + b"\n")
    return b"".join(parts)


def _git(path: Path, *args: str, stdin: bytes | None = None) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(path), *args],
        input=stdin,
        capture_output=True,
        check=False,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "HOME": str(path),
            "TZ": "America/New_York",
        },
    )
    if done.returncode:
        raise PreparationError(f"git {args[0]} in {path} failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout
