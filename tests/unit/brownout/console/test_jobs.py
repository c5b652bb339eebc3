"""A job is a process of its own: what it says, and what is known of one that failed or is gone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from brownout.console.jobs import ProcessJobs, Wish, note
from brownout.errors import LifecycleError, PreparationError
from brownout.settings import Harness


@pytest.fixture
def here(ours: Harness, monkeypatch: pytest.MonkeyPatch) -> Harness:
    ours.run.mkdir(parents=True)
    monkeypatch.setenv("BROWNOUT_STATE", str(ours.state))
    return ours


def test_a_preparation_that_cannot_begin_says_why(here: Harness) -> None:
    jobs = ProcessJobs(here)

    with pytest.raises(PreparationError, match="junior-01"):
        jobs.prepare(Wish("junior-1"))
    state = jobs.state()
    assert state is not None
    assert (state.what, state.running, "junior-01" in state.failed) == ("prepare", False, True)


def test_a_job_whose_process_is_gone_is_told(here: Harness) -> None:
    note(here, pid=2**22 - 3, what="reset", step="restores", since=time.time(), ended=False, failed="")
    state = ProcessJobs(here).state()

    assert state is not None
    assert (state.running, "brownout reset" in state.failed) == (False, True)


def test_nothing_has_run_yet(here: Harness) -> None:
    assert ProcessJobs(here).state() is None


def test_one_job_at_a_time(here: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    note(here, pid=1, what="reset", step="restores", since=time.time(), ended=False, failed="")
    monkeypatch.setattr("brownout.console.jobs._is_job", lambda _: True)

    with pytest.raises(LifecycleError, match="A reset is under way: restores"):
        ProcessJobs(here).reset("may")


def test_what_a_job_makes_is_open_to_the_platform(
    here: Harness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The proctor keeps everything to itself; what a job restores belongs to the platform's own user."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\ncd {tmp_path} && cat > asked && umask > part && mv part umask\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    before = os.umask(0o077)
    try:
        ProcessJobs(here).reset("may")
    finally:
        os.umask(before)

    deadline = time.monotonic() + 30
    while not (tmp_path / "umask").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert int((tmp_path / "umask").read_text(), 8) == 0o022


def test_a_file_that_is_cut_off_is_no_job(here: Harness) -> None:
    (here.run / "job.json").write_text(json.dumps({"pid": 1})[:5])

    assert ProcessJobs(here).state() is None
