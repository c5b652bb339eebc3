"""A dishonest solution: it converts by another factor than upstream does."""

from __future__ import annotations

from brownout.faults.model import Repair
from tests.unit.brownout.proof.dishonest.parts import HONEST, changed


def _off() -> Repair:
    other = HONEST.plan({"minutes": 45}).solutions[0]
    return Repair(name="convert-by-guess", actions=other.actions)


FAULT = changed(__file__, lambda _: {"solutions": (_off(),)})
