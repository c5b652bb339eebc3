"""Scenarios: what one candidate faces, one YAML file each, validated when loaded.

A scenario names a baseline and its faults, or `variants` of both: the seed chooses one of them, so that the same brief
can have several truths. `controls` put a control's commits into the history beside a fault, as decoys do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, ValidationError, model_validator

from brownout.faults.discovery import discover, pack_roots, refusal
from brownout.faults.frozen import Frozen
from brownout.faults.model import Fault
from brownout.faults.parameters import Value
from brownout.faults.vocabulary import Level, Runtime
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


Drawn = list[tuple[Fault, dict[str, Value]]]
BaselineName = Literal["april", "may", "june"]


class ExpectedTimes(Frozen):
    """Minutes after the start, for somebody of the scenario's level; what the interviewer reads, never a limit.

    A control is only ever found.
    """

    found: float = Field(gt=0)
    mitigated: float | None = Field(default=None, gt=0)
    fixed: float | None = Field(default=None, gt=0)


class Variant(Frozen):
    """One of the truths that a seed chooses from. `title` and `expected` replace the scenario's."""

    title: str = ""
    baseline: BaselineName
    faults: tuple[FaultUse, ...] = Field(min_length=1)
    controls: tuple[FaultUse, ...] = ()
    expected: ExpectedTimes | None = None


SEEDS_TRIED = 1000
OF_VARIANTS = ("baseline", "faults", "controls")
"""What stands in the scenario or in each of its variants, never in both."""


class Scenario(Frozen):
    """`title` is for interviewers only; `id` tells nothing."""

    id: str = Field(pattern=r"^(junior|mid|senior)-\d\d$")
    title: str
    level: Level
    baseline: BaselineName
    speed: float = Field(default=120.0, ge=1, le=1000)
    time_box_minutes: int = Field(ge=15, le=180)
    seed: int = Field(ge=0)
    faults: tuple[FaultUse, ...]
    controls: tuple[FaultUse, ...] = Field(
        default=(), description="Controls whose commits lie in the history and whose symptoms show, beside the faults."
    )
    variants: tuple[Variant, ...] = Field(default=(), description="Truths that the seed chooses from.")
    decoys: int = Field(default=5, ge=3, le=10, description="Harmless changes in the history that look suspicious.")
    brief: str = Field(min_length=80, description="The page from on-call; {since_world}, {since_wall}, {now_world}.")
    expected: ExpectedTimes

    @model_validator(mode="before")
    @classmethod
    def _begins_as_its_first_variant(cls, raw: Any) -> Any:
        if not isinstance(raw, dict) or not raw.get("variants"):
            return raw
        if doubled := [key for key in OF_VARIANTS if key in raw]:
            raise ValueError(f"{doubled[0]} stands beside variants; move it into each variant")
        first = raw["variants"][0] if isinstance(raw["variants"], list | tuple) else {}
        told = first if isinstance(first, dict) else {}
        return {"baseline": BASELINES[0], "faults": (), **{k: told[k] for k in OF_VARIANTS if k in told}, **raw}

    @model_validator(mode="after")
    def _has_more_than_one_variant(self) -> Scenario:
        if len(self.variants) == 1:
            raise ValueError("variants holds one; expected two or more, or its keys in the scenario itself")
        return self

    @property
    def truths(self) -> tuple[Scenario, ...]:
        """What the scenario can turn out to be: each variant as a scenario of its own; itself when it has none."""
        return tuple(self._as(variant) for variant in self.variants) or (self,)

    @property
    def runtime(self) -> Runtime:
        """`kind` when one of the things that it can turn out to be needs Kubernetes."""
        faults = discover()
        needed = {faults[use.fault].runtime for truth in self.truths for use in (*truth.faults, *truth.controls)}
        return "kind" if "kind" in needed else "any"

    def chosen(self, seed: int | None = None) -> Scenario:
        """The scenario that this seed (default: the scenario's own) makes of it, without variants."""
        if not self.variants:
            return self
        number = self.seed if seed is None else seed
        told = hashlib.sha256(f"{self.id}/variant/{number}".encode()).digest()
        return self.truths[int.from_bytes(told[:8]) % len(self.variants)]

    def seeds_of(self, truth: Scenario, most: int = 5) -> list[int]:
        """The first seeds that choose this one of the truths."""
        return list(islice((seed for seed in range(SEEDS_TRIED) if self.chosen(seed) == truth), most))

    def _as(self, variant: Variant) -> Scenario:
        return self.model_copy(
            update={
                "title": variant.title or self.title,
                "baseline": variant.baseline,
                "faults": variant.faults,
                "controls": variant.controls,
                "variants": (),
                "expected": variant.expected or self.expected,
            }
        )

    def drawn(self, seed: int | None = None) -> Drawn:
        """The faults with the parameters that this seed (default: the scenario's own) gives them."""
        return self._draw(self.chosen(seed).faults, seed)

    def drawn_controls(self, seed: int | None = None) -> Drawn:
        """The controls beside the faults, likewise."""
        return self._draw(self.chosen(seed).controls, seed)

    def _draw(self, uses: tuple[FaultUse, ...], seed: int | None) -> Drawn:
        faults = discover()
        number = self.seed if seed is None else seed
        return [(faults[use.fault], faults[use.fault].draw(number, use.parameters)) for use in uses]

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
    for where, baseline in _baselines(raw):
        _known(path, where, baseline, BASELINES)
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        whole = [told["msg"] for told in error.errors(include_url=False) if not told["loc"]]
        raise ConfigError(f"{path}: {whole[0]}.") if whole else refusal(path, error) from error
    if scenario.id != path.stem:
        raise ConfigError(f"{path}: key 'id' has value {scenario.id!r}. Expected the file's name, {path.stem!r}.")
    if not scenario.id.startswith(scenario.level):
        raise ConfigError(f"{path}: key 'level' has value {scenario.level!r}. Expected the id's, {scenario.id!r}.")
    for number, truth in enumerate(scenario.truths):
        _check(path, f"variants.{number}." if scenario.variants else "", truth, faults)
    try:
        scenario.page(*[datetime.now(NEW_YORK) - timedelta(hours=1)] * 3)
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigError(f"{path}: key 'brief' names {error}. Expected only {', '.join(BRIEF_NAMES)}.") from error
    return scenario


def _baselines(raw: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Every baseline that the file names, with its key."""
    variants = raw.get("variants")
    if not variants:
        yield "baseline", raw.get("baseline")
        return
    for number, variant in enumerate(variants if isinstance(variants, list) else ()):
        if isinstance(variant, dict) and "baseline" in variant:
            yield f"variants.{number}.baseline", variant["baseline"]


def _check(path: Path, where: str, truth: Scenario, faults: Mapping[str, Fault]) -> None:
    """What one truth of the scenario names: known faults for its level, with parameters that they take."""
    broken = False
    for key in ("faults", "controls"):
        for number, use in enumerate(getattr(truth, key)):
            said = f"{where}{key}.{number}.fault"
            _known(path, f"fault in key {said!r},", use.fault, faults)
            fault = faults[use.fault]
            if truth.level not in fault.levels:
                raise ConfigError(
                    f"{path}: key {said!r}: fault {fault.id!r} is for {', '.join(fault.levels)}, not {truth.level}. "
                    "Choose another, or add the level to its file."
                )
            try:
                drawn = fault.draw(truth.seed, use.parameters)
            except (ConfigError, UnknownNameError) as error:
                raise type(error)(f"{path}: key {said!r}: {error}") from error
            control = fault.plan(drawn).control
            broken = broken or not control
            if key == "controls" and not control:
                raise ConfigError(
                    f"{path}: key {said!r}: {fault.id!r} breaks something. Expected a control; name it under 'faults'."
                )
    for name in ("mitigated", "fixed"):
        if broken and getattr(truth.expected, name) is None:
            raise ConfigError(f"{path}: key '{where}expected.{name}' is missing. Declare it: minutes after the start.")


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
