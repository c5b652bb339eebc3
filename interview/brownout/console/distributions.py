"""Times of all closed interviews of a scenario, so that one result can be read against the others."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from brownout.facts import Facts
from brownout.scenarios import Scenario

What = Literal["found", "mitigated", "fixed"]
WHATS: tuple[What, ...] = ("found", "mitigated", "fixed")


@dataclass(frozen=True, slots=True)
class Dot:
    interview: str
    candidate: str
    minutes: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Minutes of one moment: of those who reached it (`dots`, fastest first), of `of` interviews in all.

    Where a scenario has several faults, the moment is that of the last of them.
    """

    what: What
    dots: tuple[Dot, ...]
    of: int
    median: float | None
    quartiles: tuple[float, float] | None
    expected: float | None


@dataclass(frozen=True, slots=True)
class Distribution:
    scenario: str
    ai_policy: str
    title: str
    level: str
    interviews: int
    time_box_minutes: float
    spreads: tuple[Spread, ...]


def minutes(facts: Facts, what: What) -> float | None:
    """When the last fault of the interview reached the moment; None when one never did."""
    moments = [getattr(fault, what) for fault in facts.faults]
    if not moments or any(moment is None or moment.elapsed is None for moment in moments):
        return None
    return max(0.0, *(float(moment.elapsed) / 60 for moment in moments))


def of(all_facts: Iterable[Facts], scenarios: Mapping[str, Scenario]) -> list[Distribution]:
    """One a scenario and AI policy that has at least one closed interview; others cannot be compared."""
    closed: dict[tuple[str, str], list[Facts]] = {}
    for facts in all_facts:
        if facts.state == "closed":
            closed.setdefault((facts.scenario, facts.ai_policy), []).append(facts)
    return [_one(them, scenarios.get(name)) for (name, _), them in sorted(closed.items())]


def _one(them: list[Facts], scenario: Scenario | None) -> Distribution:
    newest = them[-1]
    return Distribution(
        scenario=newest.scenario,
        ai_policy=newest.ai_policy,
        title=newest.title,
        level=newest.level,
        interviews=len(them),
        time_box_minutes=newest.time_box_minutes,
        spreads=tuple(_spread(what, them, scenario) for what in WHATS),
    )


def _spread(what: What, them: list[Facts], scenario: Scenario | None) -> Spread:
    dots = [
        Dot(f.interview, f.candidate or "unnamed", reached) for f in them if (reached := minutes(f, what)) is not None
    ]
    values = [dot.minutes for dot in dots]
    quarters = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else []
    return Spread(
        what=what,
        dots=tuple(sorted(dots, key=lambda dot: dot.minutes)),
        of=len(them),
        median=statistics.median(values) if values else None,
        quartiles=(quarters[0], quarters[2]) if quarters else None,
        expected=getattr(scenario.expected, what) if scenario else None,
    )
