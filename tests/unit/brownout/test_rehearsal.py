"""The rehearsal's choices; the playing itself needs the stack."""

from __future__ import annotations

import pytest

from brownout import findings
from brownout.faults import Fault, discover
from brownout.lifecycle import record_of
from brownout.rehearsal import Script, confirmed_pair, refused_pair, wrong_fix

FAULTS = sorted(discover().values(), key=lambda fault: fault.id)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_script_is_wrong_and_right_where_it_means_to_be(fault: Fault) -> None:
    parameters = fault.draw(1)
    record = record_of(fault, parameters)

    assert findings.suggest([record], refused_pair(fault, parameters)).verdict == "refused"
    assert findings.suggest([record], confirmed_pair(fault)).verdict == "confirmed"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_wrong_fix_leaves_the_way_open(fault: Fault) -> None:
    chosen = wrong_fix(fault.plan(fault.draw(1)))

    assert (chosen.cheat, chosen.leaves) == (False, "broken")


def test_differences_are_told() -> None:
    script = Script()
    script.expect("hints", 1, 1)
    script.expect("state", "running", "closed")
    script.holds("fixed", False, None)

    assert script.differences == [
        "state: the scorecard says 'running', the script did 'closed'",
        "fixed: the scorecard says None",
    ]
