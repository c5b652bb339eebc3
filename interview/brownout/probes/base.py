"""What a probe is given and what it answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict

from brownout.controls import PlatformControl
from brownout.settings import Harness
from ontime.clock import Clock
from ontime.settings import Environment

Status = Literal["ok", "broken", "unknown"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One look. `why` is a plain sentence; `answers` is how many of the world's answers it rests on."""

    status: Status
    why: str
    answers: int = 0
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def gauge(self) -> int:
        """As exported: 1 ok, 0 broken, −1 unknown."""
        return {"ok": 1, "broken": 0, "unknown": -1}[self.status]


class Memory:
    """Keeps what is dear to make between runs of probes: sessions, reference features, judged answers."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def keep(self, key: str, make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return cast(T, self._kept[key])

    def forget(self) -> None:
        self._kept.clear()


@dataclass(frozen=True)
class Reference:
    """The baseline's champion, captured before anything was injected: the measure of quality and cost."""

    version: str
    model: Path
    """Its ONNX file, in the harness's own state."""


@dataclass(frozen=True)
class ProbeView:
    """The proctor's side of the stack. Nothing in it is taken from what a candidate can edit.

    One view serves a whole interview; `since_wall` moves with `dataclasses.replace`, `memory` stays.
    """

    environment: Environment
    harness: Harness
    reference: Reference
    platform: PlatformControl | None = None
    """Needed by probes that ask the deployed platform to act (`GateRefuses`); others do without."""
    onset_world: float | None = None
    """World second at which the fault took effect."""
    since_wall: float = 0.0
    """Only answers asked after this wall second are judged: the last change of the platform, or the start."""
    healthy: Mapping[str, float] = field(default_factory=dict)
    """Figures of `measure_healthy`, taken on this machine before injection."""
    memory: Memory = field(default_factory=Memory)

    @property
    def world_now(self) -> float:
        """World second, by the world's own clock file, never the platform's."""
        return self._clock.world_seconds()

    def world_at(self, wall: float) -> float:
        """World second at wall second `wall`."""
        return self._clock.world_seconds(wall)

    def world_speed_at(self, wall: float) -> float:
        """World seconds per wall second at wall second `wall`."""
        return self._clock.speed(wall)

    @property
    def _clock(self) -> Clock:
        return self.memory.keep("clock", lambda: Clock(self.harness.world / "clock.json"))


class Probe(BaseModel):
    """A check of the outcome. Subclasses are a closed set; their fields are margins, never names of mechanisms."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cost: ClassVar[Literal["cheap", "on_change"]] = "cheap"
    """`cheap` probes run every 5 s; `on_change` ones at each deploy, alias move and DAG run, and once a minute."""

    @property
    def name(self) -> str:
        """Stable within a fault, e.g. `ServedScorePath`."""
        return type(self).__name__

    @abstractmethod
    def run(self, view: ProbeView) -> ProbeResult:
        """Never raises for a stack that is down: that is `unknown`, with the reason."""
