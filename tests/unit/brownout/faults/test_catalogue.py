"""What holds for every discovered fault; adding one needs no edit here."""

from __future__ import annotations

import re
from itertools import product

import pytest

from brownout import findings
from brownout.faults import Fault, discover
from brownout.faults.discovery import check_plans
from brownout.faults.vocabulary import COMPONENTS, FAILURE_CLASSES
from brownout.settings import ROOT

FAULTS = sorted(discover().values(), key=lambda fault: fault.id)


@pytest.fixture(params=FAULTS, ids=lambda fault: fault.id)
def fault(request: pytest.FixtureRequest) -> Fault:
    found: Fault = request.param
    return found


def test_the_vocabularies_agree() -> None:
    assert tuple(findings.COMPONENTS) == COMPONENTS
    assert tuple(findings.FAILURE_CLASSES) == FAILURE_CLASSES


def test_every_combination_of_parameters_fits_the_tree(fault: Fault) -> None:
    check_plans(fault, ROOT / "interview", ROOT)
    for values in product(*(parameter.samples for parameter in fault.parameters.values())):
        parameters = dict(zip(fault.parameters, values, strict=True))

        assert fault.plan(parameters).injections


def test_texts_can_be_told(fault: Fault) -> None:
    parameters = fault.draw(3)

    for text in (fault.symptom, *fault.truth, *fault.hints):
        assert "{" not in fault.told(text, parameters)


def test_every_wrong_fix_has_a_probe_of_the_plan_that_convicts_it(fault: Fault) -> None:
    plan = fault.plan(fault.draw(0))

    assert {wrong.convicted_by for wrong in plan.wrong_fixes} <= plan.probes.keys()
    assert any(wrong.cheat for wrong in plan.wrong_fixes)
    assert any(not wrong.cheat for wrong in plan.wrong_fixes)


def test_seeds_change_something(fault: Fault) -> None:
    assert len({tuple(fault.draw(seed).items()) for seed in range(20)}) > 1


def test_hints_do_not_name_the_fault(fault: Fault) -> None:
    words = re.compile(rf"{fault.id}|{re.escape(fault.title)}", re.IGNORECASE)

    assert not [hint for hint in fault.hints if words.search(hint)]


def test_culprits_say_nothing_about_what_they_are(fault: Fault) -> None:
    for seed in range(12):
        for commit in fault.commits(fault.draw(seed)):
            assert not re.search(r"brownout|fault|interview|stale|oversized|broken", f"{commit.subject} {commit.body}")
