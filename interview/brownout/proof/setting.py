"""Where a fault is proved: with which parameters, on which baseline, in which kind of history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from brownout.faults import Fault, get
from brownout.faults.discovery import file_of
from brownout.faults.parameters import Value
from brownout.scenarios import Scenario, load
from brownout.settings import harness

SEEDS_TRIED = 12
"""Further seeds of a scenario that draws its fault by seed, looked through for one that draws this one."""
BASELINE, DECOYS = "may", 5
"""For a fault that no scenario uses yet."""


@dataclass(frozen=True)
class Setting:
    """`path` is the fault's file; `scenario` the id of the scenario that it is taken from, empty when there is none."""

    fault: Fault
    path: Path
    parameters: Mapping[str, Value]
    baseline: str
    speed: float
    seed: int
    decoys: int
    scenario: str = ""


def setting_of(fault_id: str, seed: int | None = None) -> Setting:
    """As the first scenario with this fault plays it. Raises `UnknownNameError` with the nearest known ids.

    `seed` draws other parameters than the scenario's own.
    """
    fault = get(fault_id)
    for scenario in load().values():
        for number in (scenario.seed, *range(SEEDS_TRIED)) if seed is None else (seed,):
            for drawn, parameters in scenario.drawn(number):
                if drawn.id == fault_id:
                    return _setting(fault, parameters, scenario, number)
    number = 0 if seed is None else seed
    return Setting(fault, file_of(fault_id), fault.draw(number), BASELINE, harness().speed, number, DECOYS)


def scenarios_of(fault_id: str) -> list[str]:
    """Ids of the scenarios that play the fault, by whatever seed among the first few."""
    return [scenario.id for scenario in load().values() if any(fault_id in ids for _, ids in _drawn(scenario))]


def _drawn(scenario: Scenario) -> Iterator[tuple[int, list[str]]]:
    """(seed, ids of the faults that it draws)"""
    for number in (scenario.seed, *range(SEEDS_TRIED)):
        yield number, [fault.id for fault, _ in scenario.drawn(number)]


def _setting(fault: Fault, parameters: Mapping[str, Value], scenario: Scenario, seed: int) -> Setting:
    return Setting(
        fault=fault,
        path=file_of(fault.id),
        parameters=dict(parameters),
        baseline=scenario.chosen(seed).baseline,
        speed=scenario.speed,
        seed=seed,
        decoys=scenario.decoys,
        scenario=scenario.id,
    )
