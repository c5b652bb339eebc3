"""For every fault with commits and several seeds: the history around its culprits, and what hides them."""

from __future__ import annotations

import difflib
import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import get_args

import pytest

from brownout.faults import discover
from brownout.faults.injectors import CodeCommit, Role
from brownout.history.steps import DECOYS
from brownout.history.tree import tracked
from brownout.settings import ROOT
from brownout.workspace import make
from ontime.settings import load_behaviour

PRESENT = datetime(2013, 5, 6, 9, tzinfo=UTC)
SEEDS = (2, 14, 159)
REPLACED = {"pyproject.toml", "README.md", "Makefile"}
CASES = [(name, seed) for name, fault in discover().items() if fault.commits(fault.draw(0)) for seed in SEEDS]
BUILDS = ("--isolated", "--no-cache", "--quiet", "--select", "E9,F63,F7,F82", "--target-version", "py311")


@dataclass(frozen=True)
class Commit:
    sha: str
    role: str
    at: datetime
    subject: str
    lines: dict[str, int]
    """Added and removed lines by path."""

    @property
    def size(self) -> int:
        return sum(self.lines.values())


@dataclass(frozen=True)
class Past:
    """A workspace's commits, newest first, and the subjects of its culprits."""

    path: Path
    commits: list[Commit]
    culprits: tuple[CodeCommit, ...]

    @property
    def suspects(self) -> list[Commit]:
        subjects = {culprit.subject for culprit in self.culprits}
        return [commit for commit in self.commits if commit.subject in subjects]

    @property
    def others(self) -> list[Commit]:
        """Without culprits and without the first commit, which holds everything."""
        subjects = {culprit.subject for culprit in self.culprits}
        return [commit for commit in self.commits[:-1] if commit.subject not in subjects]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.path), *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def archive(self, commit: Commit) -> bytes:
        """What the commit touched, as it left it."""
        there = self.git("ls-tree", "--name-only", "-r", commit.sha, "--", *commit.lines).splitlines()
        command = ["git", "-C", str(self.path), "archive", commit.sha, "--", *there]
        return subprocess.run(command, capture_output=True, check=True).stdout

    @cached_property
    def differences(self) -> dict[str, int]:
        """Places in which a file differs harmlessly from the repository's, for every file that does."""
        return {name: count for name in tracked(ROOT) if (count := harmless_hunks(self, name))}


def read(path: Path, culprits: tuple[CodeCommit, ...]) -> Past:
    past = Past(path, [], culprits)
    for told in past.git("log", "--numstat", "--format=%x00%H%x09%an%x09%at%x09%s").split("\0")[1:]:
        head, *rows = [line for line in told.splitlines() if line.strip()]
        sha, role, at, subject = head.split("\t", 3)
        counted = [row.split("\t") for row in rows]
        lines = {name: int(added) + int(removed) for added, removed, name in counted if added != "-"}
        past.commits.append(Commit(sha, role, datetime.fromtimestamp(int(at), UTC), subject, lines))
    return past


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Past:
    name, seed = request.param
    fault = discover()[name]
    culprits = fault.commits(fault.draw(seed))
    path = tmp_path_factory.mktemp("past") / "workspace"
    make(path, seed=seed, present=PRESENT, culprits=culprits, decoys=4 + seed % 3)
    return read(path, culprits)


def test_it_is_two_weeks_of_several_roles(past: Past) -> None:
    roles = {commit.role for commit in past.commits}

    assert 15 <= len(past.commits) <= 25
    assert past.commits[0].at - past.commits[-1].at <= timedelta(days=15)
    assert len(roles) >= 3
    assert roles <= set(get_args(Role))


def test_a_culprit_is_neither_the_newest_nor_the_largest_nor_alone_in_a_file(past: Past) -> None:
    assert len(past.suspects) == len(past.culprits)
    assert past.commits[0] not in past.suspects
    assert max(commit.size for commit in past.others) > max(commit.size for commit in past.suspects)
    alone = [
        name for suspect in past.suspects for name in suspect.lines if not any(name in o.lines for o in past.others)
    ]
    assert alone == []


def test_a_decoy_really_changes_behaviour(past: Past) -> None:
    subjects = {commit.subject for commit in past.others}

    assert [decoy.subject for decoy in DECOYS if decoy.changes_behaviour and decoy.subject in subjects] != []


def test_every_commit_builds(past: Past, tmp_path: Path) -> None:
    for commit in past.commits:
        place = tmp_path / commit.sha[:8]
        with tarfile.open(fileobj=io.BytesIO(past.archive(commit)), mode="r:") as archive:
            archive.extractall(place)  # noqa: S202 - our own archive; 3.11.2 knows no filter
    ruff = str(Path(sys.executable).with_name("ruff"))
    checked = subprocess.run([ruff, "check", *BUILDS, str(tmp_path)], capture_output=True, text=True, check=False)

    assert checked.stdout == ""
    assert all(load_behaviour(path) for path in tmp_path.rglob("ontime.toml"))


def test_twelve_harmless_differences_in_eight_files_surround_the_culprit(past: Past) -> None:
    assert sum(past.differences.values()) >= 12
    assert len(past.differences) >= 8


def test_the_culprits_file_is_not_the_only_one_of_its_kind(past: Past) -> None:
    """Another file of its directory differs too; in a file that has no like, something harmless does."""
    for name in {edit.path for culprit in past.culprits for edit in culprit.edits}:
        home = name.rpartition("/")[0]
        like = {other for other in past.differences if other.rpartition("/")[0] == home and (home or other == name)}

        assert like - ({name} if home else set()), name


def harmless_hunks(past: Past, name: str) -> int:
    """Places in which the workspace's file differs from the repository's when the culprits are taken back."""
    ours, theirs = ROOT / name, past.path / name
    if name in REPLACED or not theirs.is_file() or theirs.suffix in (".ico", ".png", ".woff2"):
        return 0
    if theirs.read_bytes() == ours.read_bytes():
        return 0
    text = theirs.read_text()
    for culprit in reversed(past.culprits):
        for edit in reversed(culprit.edits):
            if edit.path == name:
                text = edit.reversed.applied(text)
    if text == ours.read_text():
        return 0
    codes = difflib.SequenceMatcher(None, ours.read_text().splitlines(), text.splitlines(), autojunk=False)
    return sum(tag != "equal" for tag, *_ in codes.get_opcodes())
