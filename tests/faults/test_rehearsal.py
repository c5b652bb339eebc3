"""Each scenario played from one end to the other on a running stack.

A rehearsal is the short proof of a fault: healthy → injected → symptom observed → a wrong fix leaves it broken → the
right one ends fixed → the scorecard says exactly what was done. `make prove-all` tries every other fix and cheat.
"""

from __future__ import annotations

import pytest

from brownout.scenarios import load
from tests.faults.conftest import Brownout

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("scenario", sorted(load()))
def test_a_scripted_interview_ends_with_the_facts_that_it_made(brownout: Brownout, scenario: str) -> None:
    done = brownout("rehearsal", scenario)
    print(done.stdout)

    assert done.returncode == 0
    assert f"{scenario}: the scorecard says what the script did." in done.stdout


def test_a_meddling_candidate_is_told_what_they_made_worse(brownout: Brownout) -> None:
    done = brownout("rehearsal", "senior-02", "--meddle")
    print(done.stdout)

    assert done.returncode == 0
