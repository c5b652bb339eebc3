"""The last whole proof of each fault, committed with the catalogue: hashes, times, and what the minutes went on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brownout.faults.discovery import ours
from brownout.proof.prove import Proved
from brownout.proof.rows import Kind, spent
from brownout.settings import ROOT
from ontime.errors import ConfigError

PLACE = ROOT / "interview" / "proved.json"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Kept):
    step: str
    kind: Kind
    seconds: float
    figures: dict[str, float] = Field(default_factory=dict)


class Record(_Kept):
    """One fault that was proved whole. `at` is a UTC day; `key` and `fault_key` are those of `brownout.proof.key`."""

    at: str
    key: str
    fault_key: str
    scenario: str
    baseline: str
    seconds: float
    spent: dict[str, float]
    steps: tuple[Step, ...]

    def figure(self, kind: Kind, name: str) -> float | None:
        """A figure of the first step of that kind."""
        return next((s.figures[name] for s in self.steps if s.kind == kind and name in s.figures), None)

    def short_seconds(self) -> float:
        """What one solution and one wrong fix took, with preparation and reset."""
        once: dict[str, float] = {}
        for step in self.steps:
            kind: Literal["repair", "wrong"] | Kind = step.kind
            kind = (
                "repair" if kind in ("solution", "valid fix") else "wrong" if kind in ("wrong fix", "cheat") else kind
            )
            once.setdefault(kind, step.seconds)
        return sum(once.values())


def read(path: Path = PLACE) -> dict[str, Record]:
    """By fault; empty when nothing was recorded yet. Raises `ConfigError` for a file that is not one."""
    if not path.exists():
        return {}
    try:
        return {name: Record.model_validate(raw) for name, raw in json.loads(path.read_text()).items()}
    except (ValueError, ValidationError, AttributeError) as error:
        raise ConfigError(f"{path} is no record of proofs: {str(error)[:200]}. Take it from git again.") from error


def publish(proved: Proved, path: Path = PLACE) -> bool:
    """Takes a proof into the record when it is whole, honest and of a fault that is no pack's; whether it was."""
    fault_id = proved.setting.fault.id
    if proved.short or not proved.honest or not ours(fault_id):
        return False
    write({**read(path), fault_id: record(proved)}, path)
    return True


def record(proved: Proved) -> Record:
    """What is published of a proof."""
    last = max((row.wall for row in proved.rows), default=0.0)
    return Record(
        at=time.strftime("%Y-%m-%d", time.gmtime(last)),
        key=proved.key,
        fault_key=proved.fault_key,
        scenario=proved.setting.scenario,
        baseline=proved.setting.baseline,
        seconds=round(sum(row.seconds for row in proved.rows), 1),
        spent={phase: round(seconds, 1) for phase, seconds in spent(list(proved.rows)).items()},
        steps=tuple(Step(step=r.step, kind=r.kind, seconds=r.seconds, figures=r.figures) for r in proved.rows),
    )


def write(records: Mapping[str, Record], path: Path = PLACE) -> None:
    told = {name: records[name].model_dump() for name in sorted(records)}
    path.write_text(json.dumps(told, indent=1) + "\n")
