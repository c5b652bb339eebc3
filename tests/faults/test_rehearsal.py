"""One scenario played from one end to the other on a running stack; `make rehearsal SCENARIO=…` plays the others.

A rehearsal is an interview by script: a wrong finding, a hint, the right finding, a wrong fix, the right one, and a
scorecard that says exactly what was done. Then the stack is searched, as the interview left it, for what would have
told the candidate.
"""

from __future__ import annotations

import pytest

from brownout.leaks import leaks_of
from brownout.scenarios import load
from ontime.settings import environment
from tests.faults.conftest import Brownout

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

PLAYED = "mid-02"
"""It has the most kinds of everything: commits, a registered version, gates, latencies, several repairs in a row."""


@pytest.fixture(scope="module")
def rehearsed(brownout: Brownout) -> str:
    """What the rehearsal said."""
    assert PLAYED in load()
    done = brownout("rehearsal", PLAYED)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_scripted_interview_ends_with_the_facts_that_it_made(rehearsed: str) -> None:
    assert f"{PLAYED}: the scorecard says what the script did." in rehearsed


def test_nothing_in_the_candidates_reach_tells_what_was_put_in(rehearsed: str) -> None:
    found = [str(leak) for leak in leaks_of(environment()) if leak.what != "file times"]

    assert found == []
