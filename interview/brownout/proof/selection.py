"""What to prove when there is no time for everything: changed faults first, then the longest unproved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from brownout.proof.key import fault_key
from brownout.proof.published import Record
from brownout.proof.setting import Setting

SHORT_SECONDS = 480.0
"""One solution and one wrong fix of a fault that was never measured."""
SHORT = 1
"""Solutions and wrong fixes of a short proof."""


@dataclass(frozen=True)
class Turn:
    """A fault's place in the order; `seconds`: what its short proof is expected to take."""

    fault_id: str
    why: str
    seconds: float


def turns(settings: Iterable[Setting], published: Mapping[str, Record]) -> list[Turn]:
    """In the order in which they are to be proved."""
    ranked: list[tuple[tuple[int, str, str], Turn]] = []
    for setting in settings:
        name = setting.fault.id
        last = published.get(name)
        if last is None:
            ranked.append(((0, "", name), Turn(name, "it was never proved whole", SHORT_SECONDS)))
        elif last.fault_key != fault_key(setting):
            ranked.append(((0, last.at, name), Turn(name, f"it changed since {last.at}", last.short_seconds())))
        else:
            ranked.append(((1, last.at, name), Turn(name, f"proved whole on {last.at}", last.short_seconds())))
    return [turn for _, turn in sorted(ranked, key=lambda entry: entry[0])]


@dataclass
class Budget:
    """Wall seconds for proofs. The first is always allowed, a further one when it is expected to fit."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    spent: float = field(default=0.0, init=False)
    taken: int = field(default=0, init=False)

    def allows(self, turn: Turn) -> bool:
        return self.taken == 0 or self.spent + turn.seconds <= self.seconds

    @contextmanager
    def spending(self) -> Iterator[None]:
        begun = self.clock()
        self.taken += 1
        try:
            yield
        finally:
            self.spent += self.clock() - begun

    def refusal(self, turn: Turn) -> str:
        """What is said about a fault that is not proved this time."""
        return (
            f"not proved this time ({turn.why}): {self.spent / 60:.0f} of {self.seconds / 60:.0f} minutes are spent, "
            f"and it takes about {turn.seconds / 60:.0f}. `make prove FAULT={turn.fault_id}` does"
        )
