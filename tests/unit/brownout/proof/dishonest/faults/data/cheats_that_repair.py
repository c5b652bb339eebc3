"""A dishonest cheat: it does what the solution does."""

from __future__ import annotations

from brownout.faults.model import WrongFix
from tests.unit.brownout.proof.dishonest.parts import changed

FAULT = changed(
    __file__,
    lambda honest: {
        "wrong_fixes": (
            WrongFix(
                name="only-tidy-up",
                actions=honest.solutions[0].actions,
                convicted_by=honest.symptom.name,
                why="Tidying up repairs nothing.",
                cheat=True,
            ),
        )
    },
)
