"""The rehearsal's choices; the playing itself needs the stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brownout import findings
from brownout.errors import BrownoutError
from brownout.faults import Fault, discover
from brownout.lifecycle import record_of
from brownout.rehearsal import EVIDENCE, Rehearsal, Script, confirmed_pair, meddling, refused_pair, wrong_fix
from brownout.rehearsal_several import refused_by_all
from brownout.scenarios import get
from brownout.settings import Harness
from ontime.settings import Environment

FAULTS = sorted(discover().values(), key=lambda fault: fault.id)
CONTROLS = [fault for fault in FAULTS if fault.plan(fault.draw(1)).control]
BROKEN = [fault for fault in FAULTS if fault not in CONTROLS]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_script_is_wrong_and_right_where_it_means_to_be(fault: Fault) -> None:
    parameters = fault.draw(1)
    record = record_of(fault, parameters)

    assert findings.suggest([record], refused_pair(fault, parameters)).verdict == "refused"
    assert findings.suggest([record], confirmed_pair(fault), EVIDENCE).verdict == "confirmed"


@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: fault.id)
def test_the_wrong_fix_leaves_the_way_open(fault: Fault) -> None:
    chosen = wrong_fix(fault.plan(fault.draw(1)))

    assert (chosen.cheat, chosen.leaves) == (False, "broken")


@pytest.mark.parametrize("fault", CONTROLS, ids=lambda fault: fault.id)
def test_meddling_is_a_mistake_and_a_cheat_that_break_two_guards(fault: Fault) -> None:
    plan = fault.plan(fault.draw(1))
    first, second = meddling(plan)

    assert (first.cheat, second.cheat) == (False, True)
    assert len({first.convicted_by, second.convicted_by} & {guard.name for guard in plan.guards}) == 2
    assert all(act.kind != "stop_world_traffic" for wrong in (first, second) for act in wrong.actions)


@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: fault.id)
def test_nobody_meddles_where_something_is_broken(fault: Fault) -> None:
    with pytest.raises(BrownoutError, match="--meddle"):
        meddling(fault.plan(fault.draw(1)))


CARD = {"mitigated": None, "fixed": None, "done": None, "harms": []}
HARM = {"probe": "AlertsHeard", "at": {"wall": 105.0}, "healed": None}


@pytest.mark.parametrize(
    ("worse", "told", "differences"),
    [
        ([], {**CARD, "done": {"wall": 1.0}}, 0),
        ([], CARD, 1),
        ([], {**CARD, "harms": [HARM]}, 2),
        ([], {**CARD, "done": {}, "fixed": {"wall": 1.0}}, 1),
        (["AlertsHeard"], {**CARD, "harms": [HARM]}, 0),
        (["AlertsHeard"], {**CARD, "done": {}, "harms": [HARM]}, 1),
        (["AlertsHeard"], {**CARD, "harms": [{**HARM, "healed": {"wall": 120.0}}]}, 1),
        (["AlertsHeard"], {**CARD, "harms": [{**HARM, "at": {"wall": 90.0}}]}, 1),
    ],
)
def test_what_a_control_must_be_told(tmp_path: Path, worse: list[str], told: dict[str, Any], differences: int) -> None:
    played = Rehearsal(
        get("senior-02"), None, Harness(state=tmp_path), Environment(state=tmp_path), lambda *_: None, bool(worse)
    )
    played._script.made_worse = worse
    played._script.times = {"AlertsHeard begun": 100.0, "AlertsHeard seen": 110.0}

    played._compare_control(told)

    assert len(played._script.differences) == differences


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
