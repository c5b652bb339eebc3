from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brownout import entries as e
from brownout import stack
from brownout.settings import Harness
from brownout.stack import Stack
from ontime.runtime import release
from ontime.settings import Environment

AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@localhost")
Tell = Callable[..., Any]


def commit(checkout: Path, text: str) -> None:
    for name in ("platform/module.py", "dags/retrain.py", "ontime.toml", "README.md"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text if name in ("platform/module.py", "README.md") else "")
    release.git(checkout, "add", "-A")
    release.git(checkout, *AUTHOR, "commit", "-qm", text)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit, and the harness's own from here on."""
    place = tmp_path / "checkout"
    place.mkdir()
    release.git(place, "init", "-q")
    commit(place, "x = 1\n")
    monkeypatch.setattr(stack, "ROOT", place)
    return place


@pytest.fixture
def standing(tmp_path: Path, checkout: Path) -> Stack:
    """A stack whose platform runs the checkout's first commit."""
    here = Environment(state=tmp_path / "platform")
    here.releases.mkdir(parents=True)
    head = release.head(checkout)
    release.export(checkout, head, here.releases / head.name)
    release.point_current_at(here, here.releases / head.name)
    return Stack(Harness(state=tmp_path / "harness", secrecy=False), here, lambda *_: None)


def test_a_platform_that_runs_this_checkout_is_not_behind(standing: Stack) -> None:
    assert standing.behind() == ""


def test_what_the_platform_runs_differently_is_named(standing: Stack, checkout: Path) -> None:
    commit(checkout, "x = 2\n")

    assert standing.behind() == "platform/module.py"


@pytest.mark.parametrize(("closed", "said"), [(False, ""), (True, "platform/module.py")])
def test_during_an_interview_the_code_is_the_candidates(
    standing: Stack, checkout: Path, tell_story: Tell, closed: bool, said: str
) -> None:
    story = tell_story().started()
    if closed:
        story.add(900, e.Closed(reason="time"), "interviewer")
    commit(checkout, "x = 2\n")

    assert standing.behind() == said
