"""The rehearsal's choices; the playing itself needs the stack."""

from __future__ import annotations

import pytest

from brownout import findings
from brownout.faults import Fault, discover
from brownout.lifecycle import record_of
from brownout.rehearsal import Script, confirmed_pair, refused_pair, wrong_fix
from brownout.rehearsal_several import refused_by_all

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


def test_a_wrong_finding_among_several_faults_is_wrong_for_all() -> None:
    several = [(fault, fault.draw(1)) for fault in FAULTS if fault.id in ("season_drift", "departure_delay_leak")]
    records = [record_of(fault, parameters) for fault, parameters in several]

    assert len(records) == 2
    assert findings.suggest(records, refused_by_all(several)).verdict == "refused"
    assert len({confirmed_pair(fault) for fault, _ in several}) == 2


def test_differences_are_told() -> None:
    script = Script()
    script.expect("hints", 1, 1)
    script.expect("state", "running", "closed")
    script.holds("fixed", False, None)

    assert script.differences == [
        "state: the scorecard says 'running', the script did 'closed'",
        "fixed: the scorecard says None",
    ]
