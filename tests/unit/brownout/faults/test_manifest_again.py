"""A repair that says that it puts the manifest's own values back does that, whatever the manifest says by now."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from brownout.faults import get
from brownout.faults.actions import ChangeContainer
from brownout.settings import ROOT


def of_the_manifest() -> dict[str, Any]:
    documents = yaml.safe_load_all((ROOT / "k8s" / "base" / "serving.yaml").read_text())
    [deployment] = [document for document in documents if document["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return dict(container)


def differences(told: dict[str, Any], meant: dict[str, Any], where: str = "") -> list[str]:
    """What `told` says and `meant` does not; None takes a key away."""
    found: list[str] = []
    for key, value in told.items():
        if isinstance(value, dict):
            found += differences(value, meant.get(key) or {}, f"{where}/{key}")
        elif value != meant.get(key):
            found.append(f"{where}/{key} is {value!r}, the manifest's is {meant.get(key)!r}")
    return found


@pytest.mark.parametrize("fault_id", ["starved_serving", "eager_readiness", "cramped_serving"])
def test_the_solution_is_what_the_manifest_says(fault_id: str) -> None:
    fault = get(fault_id)
    [solution] = fault.plan(fault.draw(0)).solutions
    [action] = solution.actions

    assert isinstance(action, ChangeContainer)
    assert differences(dict(action.fields), of_the_manifest()) == []
