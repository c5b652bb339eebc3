"""Each scenario played from one end to the other on a running stack.

A rehearsal is the short proof of a fault: healthy → injected → symptom observed → a wrong fix leaves it broken → the
right one ends fixed → the scorecard says exactly what was done. `make prove-all` tries every other fix and cheat.
"""

from __future__ import annotations

import pytest

from brownout.rehearsal import rehearse
from brownout.scenarios import load
from brownout.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("scenario", sorted(load()))
def test_a_scripted_interview_ends_with_the_facts_that_it_made(stack: Stack, scenario: str) -> None:
    differences = rehearse(scenario, tell=lambda step, status, detail: print(f"{step}: {status} {detail}"[:200]))

    assert differences == []
