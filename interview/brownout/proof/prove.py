"""Proves named faults on the stack of this machine, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brownout import interview as interviews
from brownout.errors import LifecycleError
from brownout.faults import Fault
from brownout.proof.engine import Proof
from brownout.proof.kept import Kept
from brownout.proof.key import fault_key, key_of
from brownout.proof.real_stage import RealProofStage
from brownout.proof.rows import Row
from brownout.proof.setting import Setting, setting_of
from brownout.settings import Harness, harness
from brownout.stack import Stack
from ontime.errors import ConfigError
from ontime.settings import Environment, environment

Tell = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Proved:
    """What came of one fault's proof. `short`: not every attempt was asked for."""

    setting: Setting
    key: str
    fault_key: str
    rows: tuple[Row, ...]
    short: bool

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Proved:
        """From one proof of `brownout prove --json`. Raises `LookupError`, `TypeError` for what is none."""
        rows = tuple(Row(**row) for row in told["rows"])
        return cls(setting_of(told["fault"], told["seed"]), told["key"], told["fault_key"], rows, told["short"])

    @property
    def honest(self) -> bool:
        return all(row.outcome == "proved" for row in self.rows)


def prove(
    fault_id: str,
    tell: Tell,
    *,
    seed: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
    here: Harness | None = None,
    platform: Environment | None = None,
) -> Proved:
    """The proof of one fault, with kept results of the same key taken over unless `fresh`.

    Raises `ConfigError` for a fault of another runtime, `LifecycleError` when an interview is under way,
    `BrownoutError` when the stack fails: then the proof can be run again, and goes on where it was.
    """
    here, platform = here or harness(), platform or environment()
    refuse_beside_an_interview(here)
    setting = setting_of(fault_id, seed)
    if setting.fault.runtime not in ("any", platform.runtime):
        raise ConfigError(f"{fault_id} needs Kubernetes. There it is: `make prove FAULT={fault_id} RUNTIME=kind`.")
    key = key_of(setting)
    kept = Kept(here, fault_id, key)
    if fresh:
        kept.forget()
    Stack(here, platform, tell).ensure_proctor()
    stage = RealProofStage(setting, here, platform, kept.folder, tell)
    rows = Proof(setting.fault, setting.parameters, stage, kept, tell, limit).run()
    return Proved(setting, key, fault_key(setting), tuple(rows), limit is not None)


def refuse_beside_an_interview(here: Harness) -> None:
    """Raises `LifecycleError` when the stack belongs to an interview that is not over."""
    current = interviews.current(here)
    if current is not None and current.facts().state in ("preparing", "ready", "running", "paused"):
        raise LifecycleError(f"Interview {current.id} is {current.facts().state}. Close it, or `brownout reset` first.")


def stepwise(tell: Tell) -> Callable[[str, str, str], None]:
    """Tells what the probes say as the state of the step that is under way, so that each step is one line."""
    steps: list[str] = ["proof"]

    def told(step: str, status: str, detail: str) -> None:
        if step == "look":
            tell(steps[-1], "doing", detail[:140])
            return
        if status == "started":
            steps.append(step)
        tell(step, status, detail[:300])

    return told


def provable(faults: Mapping[str, Fault], runtime: str = "local") -> list[str]:
    """Ids of the faults that are proved on that runtime, sorted: on Kubernetes those that only it can show."""
    return sorted(name for name, fault in faults.items() if (fault.runtime == "kind") == (runtime == "kind"))
