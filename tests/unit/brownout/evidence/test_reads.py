"""Reads of files, as the kernel tells of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.events import FileSystemEvent

from brownout.evidence.reads import AROUND_SECONDS, Reads

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel tells of reads on Linux alone")
GIT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def git(workspace: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", str(workspace), *who, *arguments], check=True, capture_output=True, env=GIT)


class Hearing(Reads):
    """Keeps the paths of all that the kernel told of."""

    heard: set[str]

    def on_any_event(self, event: FileSystemEvent) -> None:
        super().on_any_event(event)
        self.heard.add(str(event.src_path))


class Watch:
    """A clock that the test moves, and what has been noticed since the last question."""

    def __init__(self, state: Path, workspace: Path, own: Path) -> None:
        self.ahead = 0.0
        self.reads = Hearing(state, workspace, [own], lambda: time.time() + self.ahead)
        self.reads.heard = set()
        self.reads.start()

    def until(self, *wanted: str) -> set[str]:
        """Sources seen within a few seconds; waits until all of `wanted` are among them."""
        found: set[str] = set()
        deadline = time.monotonic() + 10
        while not (wanted and found >= set(wanted)) and time.monotonic() < deadline:
            found |= {seen.source for seen in self.reads.look()}
            time.sleep(0.01)
        return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    state, workspace = tmp_path / "state", tmp_path / "workspace"
    for path in (state / "log", state / "reports" / "one", workspace / "feature_repo"):
        path.mkdir(parents=True)
    for path in (state / "log" / "serving.log", state / "log" / "mlflow.log", state / "reports" / "one" / "report.html",
                 state / "reports" / "one" / "summary.json", workspace / "feature_repo" / "views.py"):  # fmt: skip
        path.write_text("text")
    git(workspace, "init", "--quiet")
    git(workspace, "add", ".")
    git(workspace, "commit", "--quiet", "-m", "first")
    (workspace / ".git" / "sign").write_text("sign")
    return tmp_path


@pytest.fixture
def watch(place: Path) -> Iterator[Watch]:
    made = Watch(place / "state", place / "workspace", place / "state" / "log" / "mlflow.log")
    made.ahead = 10 * AROUND_SECONDS
    yield made
    made.reads.stop()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("state/log/serving.log", "logs"),
        ("state/reports/one/report.html", "reports"),
    ],
)
def test_a_file_that_is_read_is_a_look(place: Path, watch: Watch, path: str, source: str) -> None:
    (place / path).read_text()

    assert watch.until(source) == {source}


def test_what_the_platform_and_the_harness_read_or_write_is_none(place: Path, watch: Watch) -> None:
    (place / "state" / "log" / "mlflow.log").read_text()
    (place / "state" / "reports" / "one" / "summary.json").read_text()
    with (place / "state" / "log" / "serving.log").open("a") as out:
        out.write("more")
    (place / "state" / "reports" / "one" / "report.html").read_text()

    assert watch.until("reports") == {"reports"}


def quiet(place: Path, watch: Watch, act: Callable[[], object]) -> set[str]:
    """Does something, lets time pass, and says what was noticed.

    Every folder has a listener of its own: the kernel has told of everything when it told of a sign in each of them.
    """
    act()
    written = place / "workspace" / "feature_repo" / "sign"
    read = place / "workspace" / ".git" / "sign"
    written.write_text("sign")
    read.read_text()
    deadline = time.monotonic() + 10
    while not {str(written), str(read)} <= watch.reads.heard:
        assert time.monotonic() < deadline, f"the kernel told of {sorted(watch.reads.heard)} alone"
        time.sleep(0.01)
    watch.ahead += 2 * AROUND_SECONDS
    return {seen.source for seen in watch.reads.look()}


def test_reading_the_views_is_a_look(place: Path, watch: Watch) -> None:
    views = place / "workspace" / "feature_repo" / "views.py"

    assert quiet(place, watch, views.read_text) == {"feature_store"}


def test_reading_the_history_is_a_look(place: Path, watch: Watch) -> None:
    assert quiet(place, watch, lambda: git(place / "workspace", "show", "HEAD")) == {"git"}


def test_what_git_reads_when_it_writes_is_none(place: Path, watch: Watch) -> None:
    (place / "workspace" / "new.txt").write_text("new")
    git(place / "workspace", "add", "new.txt")
    (place / "workspace" / "feature_repo" / "views.py").touch()

    assert quiet(place, watch, lambda: git(place / "workspace", "commit", "--quiet", "-a", "-m", "second")) == set()


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    reads = Reads(tmp_path / "no", tmp_path / "nothing").start()

    assert list(reads.look()) == []
    reads.stop()
