"""What a proof says, one row a step, and how it says that something is not as declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["proved", "dishonest"]
Kind = Literal["healthy", "symptom", "leaks", "solution", "valid fix", "wrong fix", "cheat", "reset"]
PREPARATION: tuple[Kind, ...] = ("healthy", "symptom", "leaks")
"""Without these, nothing else can be proved."""


class Dishonest(Exception):  # noqa: N818 - it is a verdict, not an error
    """What a step of the proof found out: which part is dishonest, and what about it, in a sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the proof: what came of it, and what its wall seconds were spent on, by phase."""

    step: str
    kind: Kind
    outcome: Outcome
    why: str
    seconds: float
    phases: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    wall: float = 0.0
    """Unix second at which the step ended."""


def spent(rows: list[Row]) -> dict[str, float]:
    """Wall seconds by phase, most first."""
    found: dict[str, float] = {}
    for row in rows:
        for phase, seconds in row.phases.items():
            found[phase] = found.get(phase, 0.0) + seconds
    return dict(sorted(found.items(), key=lambda item: -item[1]))
