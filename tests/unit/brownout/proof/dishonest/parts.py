"""What the dishonest faults of this pack share: an honest one, of which each of them changes one thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from brownout.faults.discovery import load_file
from brownout.faults.model import Fault, Plan
from brownout.faults.parameters import Parameters
from brownout.settings import ROOT

HONEST = load_file(ROOT / "tests" / "faults" / "pack" / "faults" / "data" / "block_times_in_half_hours.py")


def changed(file: str, change: Callable[[Plan], dict[str, Any]]) -> Fault:
    """The honest fault under the name of `file`, with what `change` says in its plan."""

    def plan(parameters: Parameters) -> Plan:
        honest = HONEST.plan(parameters)
        said = {name: getattr(honest, name) for name in Plan.model_fields}
        return Plan(**{**said, **change(honest)})

    told = {name: getattr(HONEST, name) for name in Fault.model_fields}
    return Fault(**{**told, "id": Path(file).stem, "plan": plan})
