"""Promotion gates: would this version pass as champion?

`check_version` measures from the version's artifacts and the warehouse, and believes none of the stored figures.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ontime.errors import UnknownNameError
from ontime.gates.evidence import Evidence, gather
from ontime.gates.result import GateResult, to_json
from ontime.gates.rules import GATES
from ontime.registry.reader import RegistryReader
from ontime.settings import Behaviour
from ontime.warehouse import Warehouse

__all__ = ["GATES", "Evidence", "GateResult", "check", "check_version", "to_json"]


def check(evidence: Evidence, behaviour: Behaviour, only: Collection[str] = GATES) -> list[GateResult]:
    """The verdicts of all gates, or of those in `only`, in the order of GATES, also after one has refused."""
    return [gate(evidence, behaviour.gates) for name, gate in GATES.items() if name in only]


def check_version(
    version: int,
    *,
    reader: RegistryReader,
    warehouse: Warehouse,
    behaviour: Behaviour,
    present: datetime,
    only: Collection[str] = GATES,
) -> list[GateResult]:
    """Would `version` pass all gates, or those in `only`, at `present`? Changes nothing.

    Raises `UnknownNameError` when there is no such version or gate, `ArtifactError` when its file is not what its tags
    say, `RegistryError` when MLflow is down or no day is left that it was not trained on.
    """
    for name in only:
        if name not in GATES:
            raise UnknownNameError.of("gate", name, GATES)
    with gather(reader, warehouse, version, present, behaviour.training.holdout_days) as evidence:
        return check(evidence, behaviour, only)
