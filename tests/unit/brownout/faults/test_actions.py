"""What an attempt does to a component, as far as it needs no stack."""

from __future__ import annotations

import signal
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.errors import BrownoutError
from brownout.faults import actions
from brownout.faults.actions import UNSETTLED_SECONDS, ChangeContainer, KillComponent
from brownout.kind import templates
from ontime.runtime.stack import NotReadyError
from ontime.settings import Environment


def killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pid: int | None) -> None:
    """Plays it where the runtime says that serving is `pid`."""
    told = SimpleNamespace(components=(SimpleNamespace(pid=pid, state="stopped"),))
    monkeypatch.setattr(actions, "look", lambda _, names: told if names == ["serving"] else None)
    context: Any = SimpleNamespace(environment=Environment(state=tmp_path))
    KillComponent(component="serving").play(context)


def test_the_process_that_the_runtime_names_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        killed(monkeypatch, tmp_path, process.pid)

    assert process.returncode == -signal.SIGKILL


def test_what_does_not_run_cannot_be_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BrownoutError, match="'serving' cannot be killed: it is stopped"):
        killed(monkeypatch, tmp_path, None)


@pytest.mark.parametrize("settles", [True, False])
def test_pods_that_do_not_get_ready_are_an_error_where_they_should(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settles: bool
) -> None:
    waited: list[float] = []

    def stuck(*arguments: Any) -> None:
        waited.append(arguments[-1])
        raise NotReadyError("serving", "serving ends as soon as it is started (exit code 137)")

    monkeypatch.setattr(templates, "merge", stuck)
    context: Any = SimpleNamespace(environment=Environment(state=tmp_path))
    change = ChangeContainer(component="serving", fields={"resources": {}}, settles=settles)

    with pytest.raises(NotReadyError, match="137") if settles else nullcontext():
        change.play(context)

    assert waited == [templates.READY_SECONDS if settles else UNSETTLED_SECONDS]
