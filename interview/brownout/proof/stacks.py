"""Proves on several stacks of this machine at once: while one waits for its probes, another one starts.

Each stack has a state, ports and processes of its own, and takes one fault after another with `brownout prove`. The
first is the one that the settings name; the others are made for this and cleared away when all is proved.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from brownout.errors import BrownoutError
from brownout.proof.kept import Kept, begun
from brownout.proof.prove import Proved
from brownout.proof.published import Record
from brownout.proof.rows import Row
from brownout.proof.setting import setting_of
from brownout.settings import Harness
from ontime.errors import ConfigError
from ontime.runtime.address import port_of
from ontime.settings import Environment

Tell = Callable[[str, str, str], None]

PORTS_APART = 1000
DISHONEST = 8
"""The exit code of `brownout prove` when it has a verdict, and that is it."""
BROWNOUT = (sys.executable, "-P", "-m", "brownout.cli")
STEP = re.compile(r" *\d+\.\d s  (?P<step>.+?): (?P<state>.*)")
"""A line of the progress of a `brownout` command that nobody watches."""


@dataclass(frozen=True)
class Side:
    """One of the stacks; number 0 is the one that the settings name."""

    number: int
    here: Harness
    platform: Environment

    @classmethod
    def of(cls, number: int, here: Harness, platform: Environment) -> Side:
        """Raises `ConfigError` when its ports would lie beyond the last one."""
        if number == 0:
            return cls(0, here, platform)
        mine, theirs = _moved(here, number), _moved(platform, number)
        mine |= {"state": _beside(here.state, number), "cache": here.cache, "secrecy": False}
        theirs |= {"state": _beside(platform.state, number)}
        return cls(number, here.model_copy(update=mine), platform.model_copy(update=theirs))

    def variables(self) -> dict[str, str]:
        """What its processes are told beyond the invoker's environment."""
        if self.number == 0:
            return {}
        told = {"BROWNOUT_STATE": self.here.state, "BROWNOUT_CACHE": self.here.cache, "BROWNOUT_SECRECY": "false"}
        told |= {f"BROWNOUT_{name.upper()}": url for name, url in _urls(self.here).items()}
        told |= {f"ONTIME_{name.upper()}": url for name, url in _urls(self.platform).items()}
        return {name: str(value) for name, value in (told | {"ONTIME_STATE": self.platform.state}).items()}

    def clear(self) -> None:
        """Nothing of it stays. Only for a stack that was made for this, and is down."""
        for path in (self.here.state, self.platform.state):
            shutil.rmtree(path, ignore_errors=True)


def _urls(settings: Harness | Environment) -> dict[str, str]:
    """The addresses on this machine among the settings."""
    told = {name: str(value) for name, value in settings if name.endswith("_url") and value}
    return {name: url for name, url in told.items() if urlsplit(url).port}


def _moved(settings: Harness | Environment, number: int) -> dict[str, Any]:
    return {name: _shifted(url, PORTS_APART * number) for name, url in _urls(settings).items()}


def _shifted(url: str, by: int) -> str:
    port = port_of(url)
    if port + by > 65_535:
        raise ConfigError.of("--stacks", url, f"an address whose port plus {by} is one")
    return url.replace(f":{port}", f":{port + by}", 1)


def _beside(path: Path, number: int) -> Path:
    """A name that nobody else gives a state: it is cleared away."""
    return path.with_name(f"{path.name}-prove-{number + 1}")


def longest_first(names: Sequence[str], published: Mapping[str, Record]) -> list[str]:
    """What was never measured may be the longest, so it comes before everything else."""
    return sorted(names, key=lambda name: -published[name].seconds if name in published else float("-inf"))


class Stacks:
    """`options`: further ones of `brownout prove`. `brownout`: the command. Each instance proves once."""

    def __init__(
        self,
        sides: Sequence[Side],
        names: Sequence[str],
        options: Sequence[str],
        tell: Tell,
        brownout: Sequence[str] = BROWNOUT,
    ) -> None:
        self._sides = list(sides)
        self._options = list(options)
        self._tell = tell
        self._brownout = list(brownout)
        self._waiting = list(names)
        self._taking = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False
        self._came: queue.Queue[Proved | BrownoutError | None] = queue.Queue()

    def prove(self, seed: int | None, short: bool) -> Iterator[Proved]:
        """Each fault's proof when it is there. Raises `BrownoutError` at the end when one came to none.

        However it ends, the stacks beside the first are stopped; what they kept is cleared away only when all is there.
        """
        workers = [threading.Thread(target=self._work, args=(side, seed, short)) for side in self._sides]
        for worker in workers:
            worker.start()
        failed: list[str] = []
        working = len(workers)
        try:
            while working:
                found = self._came.get()
                if found is None:
                    working -= 1
                elif isinstance(found, BrownoutError):
                    failed.append(str(found))
                    self._tell("proof", "failed", failed[-1])
                else:
                    yield found
        finally:
            self._stop()
            for worker in workers:
                worker.join()
        if failed:
            raise BrownoutError("\n".join([*failed, "Run it again: it goes on where it was."]))
        for side in self._sides[1:]:
            side.clear()

    def _stop(self) -> None:
        """Nothing more is begun, and what is under way ends; a stack that is being stopped goes on being stopped."""
        with self._taking:
            self._stopped = True
            self._waiting.clear()
            for process in self._running:
                process.terminate()

    def _work(self, side: Side, seed: int | None, short: bool) -> None:
        about = f"stack {side.number + 1}"
        try:
            self._run(side, about, "up")
            while name := self.take(side):
                try:
                    self._came.put(self._one(side, name, seed, short))
                except (BrownoutError, ValueError, LookupError, TypeError) as error:
                    self._came.put(BrownoutError(f"{name} came to no proof: {error}"))
        except BrownoutError as error:
            self._came.put(error)
        finally:
            self._leave(side, about)
            self._came.put(None)

    def _leave(self, side: Side, about: str) -> None:
        """The first stack is the user's and stays up."""
        try:
            if side.number:
                self._run(side, about, "down", stoppable=False)
        except BrownoutError as error:
            self._came.put(error)

    def take(self, side: Side) -> str | None:
        """The next fault for that stack: what it has begun before, else what none has. None when all are taken."""
        with self._taking:
            if not self._waiting:
                return None
            name = min(self._waiting, key=lambda name: (not begun(side.here, name), self._begun_elsewhere(side, name)))
            self._waiting.remove(name)
            return name

    def _begun_elsewhere(self, side: Side, name: str) -> bool:
        return any(begun(other.here, name) for other in self._sides if other is not side)

    def _one(self, side: Side, name: str, seed: int | None, short: bool) -> Proved:
        """What another stack than the first found takes the place of what the first kept."""
        told = json.loads(self._run(side, name, "prove", name, "--json", *self._options))[0]
        rows = tuple(Row(**row) for row in told["rows"])
        if side.number:
            kept = Kept(self._sides[0].here, name, told["key"])
            kept.forget()
            for row in rows:
                kept.add(row)
        return Proved(setting_of(name, seed), told["key"], told["fault_key"], rows, short)

    def _run(self, side: Side, about: str, *arguments: str, stoppable: bool = True) -> str:
        """What a `brownout` command printed; its progress is told as steps of `about`. Raises `BrownoutError`."""
        last = ""
        with tempfile.TemporaryFile("w+") as printed:
            with subprocess.Popen(
                [*self._brownout, *arguments],
                stdout=printed,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                text=True,
                env={**os.environ, **side.variables()},
            ) as process:
                if stoppable:
                    self._note(process)
                for line in process.stderr or ():
                    if found := STEP.fullmatch(line.rstrip()):
                        self._tell(f"{about}: {found['step']}", "done", found["state"])
                    last = line.strip() or last
            with self._taking:
                self._running.discard(process)
            if process.returncode not in (0, DISHONEST):
                raise BrownoutError(f"{about}, on stack {side.number + 1}: {last or f'exit code {process.returncode}'}")
            printed.seek(0)
            return printed.read()

    def _note(self, process: subprocess.Popen[str]) -> None:
        """From now on it can be stopped; it is at once when everything was while it began."""
        with self._taking:
            self._running.add(process)
            if self._stopped:
                process.terminate()
