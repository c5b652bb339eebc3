"""Scenarios: what one candidate faces, one YAML file each, validated when loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError

from brownout.faults.discovery import discover, pack_roots, refusal
from brownout.faults.frozen import Frozen
from brownout.faults.model import Fault
from brownout.faults.parameters import Value
from brownout.faults.vocabulary import Level
from brownout.settings import ROOT
from ontime.errors import ConfigError, UnknownNameError

HERE = ROOT / "interview" / "scenarios"
BASELINES = ("april", "may", "june")
BRIEF_NAMES = ("since_world", "since_wall", "now_world")
NEW_YORK = ZoneInfo("America/New_York")


class FaultUse(Frozen):
    """One fault of the scenario; parameters that are not given are drawn from the seed."""

    fault: str
    parameters: dict[str, Value] = Field(default_factory=dict)


class ExpectedTimes(Frozen):
    """Minutes after the start, for somebody of the scenario's level; what the interviewer reads, never a limit."""

    found: float = Field(gt=0)
    mitigated: float = Field(gt=0)
    fixed: float = Field(gt=0)


class Scenario(Frozen):
    """`title` is for interviewers only; `id` tells nothing."""

    id: str = Field(pattern=r"^(junior|mid|senior)-\d\d$")
    title: str
    level: Level
    baseline: Literal["april", "may", "june"]
    speed: float = Field(default=120.0, ge=1, le=1000)
    time_box_minutes: int = Field(ge=15, le=180)
    seed: int = Field(ge=0)
    faults: tuple[FaultUse, ...]
    decoys: int = Field(default=5, ge=3, le=10, description="Harmless changes in the history that look suspicious.")
    brief: str = Field(min_length=80, description="The page from on-call; {since_world}, {since_wall}, {now_world}.")
    expected: ExpectedTimes

    def drawn(self, seed: int | None = None) -> list[tuple[Fault, dict[str, Value]]]:
        """The faults with the parameters that this seed (default: the scenario's own) gives them."""
        faults = discover()
        number = self.seed if seed is None else seed
        return [(faults[use.fault], faults[use.fault].draw(number, use.parameters)) for use in self.faults]

    def page(self, since_world: datetime, since_wall: datetime, now_world: datetime) -> str:
        """The brief with its moments put in: world time first, as people on the platform say it."""
        return self.brief.format(
            since_world=_world(since_world), since_wall=f"{since_wall:%H:%M:%S}", now_world=_world(now_world)
        )


def _world(moment: datetime) -> str:
    return f"{moment.astimezone(NEW_YORK):%a %d %b %Y %H:%M} New York"


def load_file(path: Path, faults: Mapping[str, Fault]) -> Scenario:
    """One scenario. Raises `ConfigError` or `UnknownNameError`, naming file, key and remedy."""
    try:
        raw: Any = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds {type(raw).__name__}. Expected the keys of a scenario.")
    _known(path, "baseline", raw.get("baseline"), BASELINES)
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        raise refusal(path, error) from error
    if scenario.id != path.stem:
        raise ConfigError(f"{path}: key 'id' has value {scenario.id!r}. Expected the file's name, {path.stem!r}.")
    if not scenario.id.startswith(scenario.level):
        raise ConfigError(f"{path}: key 'level' has value {scenario.level!r}. Expected the id's, {scenario.id!r}.")
    for use in scenario.faults:
        _known(path, "fault", use.fault, faults)
        fault = faults[use.fault]
        if scenario.level not in fault.levels:
            raise ConfigError(f"{path}: fault {fault.id!r} is for {', '.join(fault.levels)}, not {scenario.level}.")
        try:
            fault.draw(scenario.seed, use.parameters)
        except (ConfigError, UnknownNameError) as error:
            raise type(error)(f"{path}: {error}") from error
    try:
        scenario.page(*[datetime.now(NEW_YORK) - timedelta(hours=1)] * 3)
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigError(f"{path}: key 'brief' names {error}. Expected only {', '.join(BRIEF_NAMES)}.") from error
    return scenario


def _known(path: Path, what: str, name: object, known: Iterable[str]) -> None:
    names = tuple(known)
    if name not in names:
        raise UnknownNameError(f"{path}: {UnknownNameError.of(what, str(name), names)}")


@lru_cache(maxsize=1)
def load() -> dict[str, Scenario]:
    """Every scenario of this checkout and of the packs, by id."""
    found: dict[str, Scenario] = {}
    for directory in (HERE, *(root / "scenarios" for root in pack_roots())):
        for path in sorted(directory.glob("*.yaml")):
            scenario = load_file(path, discover())
            if scenario.id in found:
                raise ConfigError(f"{path}: id {scenario.id!r} is taken. Choose another.")
            found[scenario.id] = scenario
    return found


def get(scenario_id: str) -> Scenario:
    """Raises `UnknownNameError` with the nearest known ids."""
    try:
        return load()[scenario_id]
    except KeyError:
        raise UnknownNameError.of("scenario", scenario_id, load()) from None
