"""A tiny git checkout that looks like the platform to `ontime.runtime.release`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ontime.settings import Environment

Commit = Callable[..., str]


def git(tree: Path, *arguments: str) -> str:
    author = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    return subprocess.run(
        ["git", *author, "-C", str(tree), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty git checkout."""
    path = tmp_path / "tree"
    path.mkdir()
    git(path, "init", "-q")
    return path


@pytest.fixture
def commit(tree: Path) -> Commit:
    """Writes files into the checkout and commits them; returns the commit's name as releases use it."""

    def make(subject: str = "a change", **files: str | None) -> str:
        always = {"ontime.toml": "[gates]\nmin_rows = 1\n", "platform/ontime/__init__.py": ""}
        for name, text in {**always, **files}.items():
            if text is None:
                continue
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        git(tree, "add", "-A")
        git(tree, "commit", "-q", "--allow-empty", "-m", subject)
        return git(tree, "rev-parse", "HEAD")[:12]

    return make


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    state = tmp_path / "state"
    for name in ("run", "releases"):
        (state / name).mkdir(parents=True)
    return Environment(state=state)
