"""Long work in a process of its own, so that a proctor that dies takes no preparation with it and stays small.

What the process does stands in the ledger; where there is none (a reset, the first seconds) in `run/job.json`.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from brownout import entries as e
from brownout.errors import LifecycleError, PreparationError
from brownout.interview import current, new_id
from brownout.settings import ROOT, Harness
from ontime.files import replace_text

APPEARS_SECONDS = 60.0
"""Until the ledger of a new interview is there: imports, and looking at what the stack stands on."""
OPEN = 0o022
"""A job makes the platform's state as a person's command does; the proctor's own umask would shut the platform out."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new interview is to be."""

    scenario: str
    seed: int | None = None
    candidate: str = ""
    ai_policy: e.AiPolicy = "none"
    raters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobState:
    """What runs, or how the last one ended: `failed` is empty when it went well."""

    what: str
    step: str
    running: bool
    since: float
    failed: str = ""


class Jobs(Protocol):
    def prepare(self, wish: Wish) -> str:
        """Begins a preparation; returns the new interview's id once its ledger is there."""
        ...

    def reset(self, baseline: str) -> None: ...

    def state(self) -> JobState | None: ...


def note(harness: Harness, **values: Any) -> None:
    """Replaces what `run/job.json` says."""
    replace_text(_path(harness), json.dumps(values))


def _path(harness: Harness) -> Path:
    return harness.run / "job.json"


class ProcessJobs:
    """Each job is `python -m brownout.console.job`; what it is to do reaches it on its standard input."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def prepare(self, wish: Wish) -> str:
        """Raises `LifecycleError` while another job runs, `PreparationError` when it ends without a ledger."""
        interview_id = new_id()
        process = self._begin({"do": "prepare", "interview": interview_id, **asdict(wish)})
        deadline = time.monotonic() + APPEARS_SECONDS
        while not begun(self._harness, interview_id):
            if process.poll() is not None or time.monotonic() > deadline:
                state = self.state()
                raise PreparationError(
                    (state.failed if state else "") or f"The preparation did not begin. See {self._log}."
                )
            time.sleep(0.1)
        return interview_id

    def reset(self, baseline: str) -> None:
        self._begin({"do": "reset", "baseline": baseline})

    def state(self) -> JobState | None:
        try:
            told = json.loads(_path(self._harness).read_text())
            pid = int(told["pid"])
            running = not told["ended"] and psutil.pid_exists(pid) and _is_job(pid)
            died = "" if running or told["ended"] else "Its process is gone. `brownout reset` puts everything right."
            return JobState(told["what"], told["step"], running, float(told["since"]), told["failed"] or died)
        except (OSError, ValueError, KeyError):
            return None

    @property
    def _log(self) -> Path:
        return self._harness.logs / "job.log"

    def _begin(self, what: dict[str, Any]) -> subprocess.Popen[bytes]:
        state = self.state()
        if state is not None and state.running:
            raise LifecycleError(f"A {state.what} is under way: {state.step}. Wait for its end.")
        self._harness.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths = os.pathsep.join(str(ROOT / part) for part in ("platform", "interview", ""))
        with self._log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "brownout.console.job"],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._harness.run,
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,
                umask=OPEN,
            )
        note(self._harness, pid=process.pid, what=what["do"], step="begins", since=time.time(), ended=False, failed="")
        assert process.stdin is not None  # noqa: S101 - asked for above
        process.stdin.write(json.dumps(what).encode())
        process.stdin.close()
        _collect(process)
        return process


def begun(harness: Harness, interview_id: str) -> bool:
    """Whether the interview's ledger is there and begins as it should."""
    interview = current(harness)
    return interview is not None and interview.id == interview_id


def _is_job(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "brownout.console.job" in process.cmdline()
    except psutil.Error:
        return False


def _collect(process: subprocess.Popen[bytes]) -> None:
    """Waits for the process, so that it leaves no zombie."""
    import threading

    threading.Thread(target=process.wait, name="job", daemon=True).start()
