"""The whole stack: the platform, and beside it the harness's own processes. Up, down, and the truth about both."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from brownout import interview as interviews
from brownout.baselines import restore
from brownout.errors import BrownoutError, StackError
from brownout.freeze import STOPPED
from brownout.http import client
from brownout.platform import Platform
from brownout.proctor import prometheus, tokens
from brownout.proctor.answers import AnswerCount
from brownout.secrecy import close_doors, secrecy
from brownout.settings import ROOT, Harness
from brownout.supervision import Part, PartStatus, Supervision
from brownout.world.control import WorldControl
from ontime.runtime import release
from ontime.runtime.components import COMPONENTS
from ontime.runtime.readiness import READY, Readiness, answers
from ontime.settings import Environment

FIRST_BASELINE = "may"
FIRST_ANSWER_SECONDS = 120.0
WAY_IN_SECONDS = 180.0
"""JupyterLab imports a great deal, and a pod has to be found a place first."""
FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""Memory that was read through goes back at once: a third of what the proctor would hold while it probes."""
ALWAYS = ("world", "proctor", "prometheus")
"""The parts that `up` starts; the way in opens with an interview."""
NAMED = 3
"""Files that a sentence names."""

Tell = Callable[[str, str, str], None]


def platform_of(environment: Environment, harness: Harness) -> Platform:
    return Platform(environment, harness, secrecy(harness).user, Path(sys.executable))


def parts(harness: Harness) -> tuple[Part, ...]:
    """The table of the harness's processes."""

    def module(name: str) -> Callable[[], list[str]]:
        return lambda: [sys.executable, "-P", "-m", name]

    return (
        Part("world", module("brownout.world"), _port(harness.world_url), lambda: _world(harness)),
        Part(
            "proctor",
            module("brownout.proctor"),
            _port(harness.proctor_url),
            lambda: _proctor(harness),
            variables=FRUGAL,
        ),
        Part(
            "prometheus",
            lambda: prometheus.command(harness),
            _port(harness.prometheus_url),
            lambda: _prometheus(harness),
        ),
        Part(
            "way-in",
            module("brownout.kind.opening" if "KUBERNETES_SERVICE_HOST" in os.environ else "brownout.entrance"),
            _port(harness.way_in_url),
            lambda: _listening(f"http://{harness.host}:{_port(harness.way_in_url)}/api"),
            ready_seconds=WAY_IN_SECONDS,
        ),
    )


def _port(url: str) -> int:
    port = urlsplit(url).port
    if port is None:
        raise StackError(f"{url!r} names no port. Expected a URL such as http://127.0.0.1:7201.")
    return port


def _world(harness: Harness) -> Readiness:
    return READY if WorldControl(harness).alive() else Readiness(False, "its control does not answer")


def _proctor(harness: Harness) -> Readiness:
    """Its interface and the console; this by its address, since not every resolver knows its host name."""
    first = answers(f"{harness.proctor_url}/healthz")
    return first if not first.ready else answers(f"http://{harness.host}:{_port(harness.console_url)}/healthz")


def _prometheus(harness: Harness) -> Readiness:
    """Everything of this Prometheus wants the password, its readiness too."""
    try:
        password = tokens.read(harness, "prometheus")
        url = f"{harness.prometheus_url}/-/ready"
        answer = client().get(url, auth=(prometheus.USER, password), timeout=3.0)
    except (httpx.HTTPError, BrownoutError) as error:
        return Readiness(False, str(error))
    return READY if answer.status_code == 200 else Readiness(False, f"it answers {answer.status_code}")


def _listening(url: str) -> Readiness:
    try:
        client().get(url, timeout=3.0)
    except httpx.HTTPError as error:
        return Readiness(False, f"{url} does not answer: {error}")
    return READY


@dataclass(frozen=True, slots=True)
class StackStatus:
    """Both halves. `platform` is what `ontime status --json` said, or why it could not be asked."""

    platform: dict[str, Any]
    harness: tuple[PartStatus, ...]
    world: dict[str, Any] | None
    interview: dict[str, Any] | None

    @property
    def ready(self) -> bool:
        wanted = {part.name: part.ready for part in self.harness if part.name in ALWAYS}
        return bool(self.platform.get("ready")) and all(wanted.values())


class Stack:
    def __init__(self, harness: Harness, environment: Environment, tell: Tell) -> None:
        self._harness = harness
        self._environment = environment
        self._tell = tell
        self.platform = platform_of(environment, harness)
        self.supervision = Supervision(harness, parts(harness))
        self.world = WorldControl(harness)

    def up(self) -> float:
        """Starts what is not running and waits for a first real prediction. Returns the seconds that it took.

        An empty state gets the baseline `may` first. A frozen interview stays frozen.
        """
        begun = time.monotonic()
        self._furnish()
        frozen = self._frozen()
        if not self._environment.current.exists() or not self._harness.record.exists():
            with_baseline = f"baseline {FIRST_BASELINE}"
            self._tell(with_baseline, "started", "nothing is there yet")
            self.supervision.stop(["world"])
            restore(
                FIRST_BASELINE,
                self._environment,
                self._harness,
                tell=lambda text: self._tell(with_baseline, "doing", text),
            )
            self._tell(with_baseline, "done", "")
        self._tell("platform", "started", "")
        self.platform.start([name for name in COMPONENTS if name not in STOPPED] if frozen else None)
        self._tell("platform", "done", "")
        for name in ALWAYS:
            self._tell(name, "started", "")
            self.supervision.up([name])
            self._tell(name, "done", "")
        if not frozen:
            row = AnswerCount(self._harness.record).last()
            self.world.release()
            self._tell("first prediction", "started", "")
            self.first_prediction(row)
            self._tell("first prediction", "done", "")
        return time.monotonic() - begun

    def ensure_proctor(self) -> None:
        """Starts proctor and the interviewer's Prometheus when they do not run: what a preparation needs."""
        self._furnish()
        for name in ("proctor", "prometheus"):
            self.supervision.up([name])

    def _furnish(self) -> None:
        close_doors(self._harness)
        tokens.ensure(self._harness, "proctor")
        prometheus.write(self._harness)

    def first_prediction(self, after_row: int = 0) -> None:
        """Waits until the world's record holds an answered prediction after that row. Raises `StackError`."""
        count = AnswerCount(self._harness.record)
        deadline = time.monotonic() + FIRST_ANSWER_SECONDS
        while not count.since(after_row):
            if time.monotonic() > deadline:
                raise StackError(
                    f"No prediction was answered within {FIRST_ANSWER_SECONDS:.0f} s. "
                    "See `brownout status` and the logs of serving and world."
                )
            time.sleep(0.2)

    def down(self) -> None:
        """Stops both halves and leaves no process. State stays."""
        self._tell("harness", "started", "")
        self.supervision.down()
        self._tell("harness", "done", "")
        self._tell("platform", "started", "")
        self.platform.stop()
        self._tell("platform", "done", "")

    def status(self) -> StackStatus:
        """Asks both halves; never raises for something that is down."""
        interview = interviews.current(self._harness)
        facts = interview.facts() if interview is not None else None
        return StackStatus(
            platform=self._platform(),
            harness=tuple(self.supervision.status()),
            world=self._world(),
            interview=None
            if facts is None
            else {
                "interview": facts.interview,
                "scenario": facts.scenario,
                "state": facts.state,
                "watching": facts.watching,
                "frozen": facts.frozen_at is not None,
                "last_step": facts.last_step,
                "left_seconds": facts.left_at(time.time()) if facts.started else None,
                "pid": facts.pid,
            },
        )

    def _platform(self) -> dict[str, Any]:
        try:
            told: dict[str, Any] = json.loads(self.platform.ontime("status", "--json", check=False).stdout)
        except (ValueError, OSError, BrownoutError) as error:
            return {"ready": False, "components": [], "why": f"the platform cannot be asked: {error}"}
        return told

    def _world(self) -> dict[str, Any] | None:
        try:
            return self.world.status()
        except BrownoutError:
            return None

    def behind(self) -> str:
        """Where the platform runs other code than this checkout's HEAD, what differs; empty during an interview."""
        interview = interviews.current(self._harness)
        if interview is not None and interview.facts().state not in ("closed", "abandoned"):
            return ""
        with tempfile.TemporaryDirectory() as place:
            head = Path(place) / "head"
            release.export(ROOT, release.head(ROOT), head)
            files = release.changed_paths(release.current(self._environment), head)
        more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
        return f"{', '.join(files[:NAMED])}{more}"

    def _frozen(self) -> bool:
        interview = interviews.current(self._harness)
        return interview is not None and interview.facts().frozen_at is not None
