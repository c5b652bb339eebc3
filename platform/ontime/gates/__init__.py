"""Promotion gates: would this version pass as champion?

`check_version` measures from the version's artifacts and the warehouse, and believes none of the stored figures.
"""

from __future__ import annotations

from datetime import datetime

from ontime.gates.evidence import Evidence, gather
from ontime.gates.result import GateResult, to_json
from ontime.gates.rules import GATES
from ontime.registry.reader import RegistryReader
from ontime.settings import Behaviour
from ontime.warehouse import Warehouse

__all__ = ["GATES", "Evidence", "GateResult", "check", "check_version", "to_json"]


def check(evidence: Evidence, behaviour: Behaviour) -> list[GateResult]:
    """Every gate's verdict, in the order of GATES, also after one has refused."""
    return [gate(evidence, behaviour.gates) for gate in GATES.values()]


def check_version(
    version: int, *, reader: RegistryReader, warehouse: Warehouse, behaviour: Behaviour, present: datetime
) -> list[GateResult]:
    """Would `version` pass at `present`? Changes nothing.

    Raises `UnknownNameError` when there is no such version, `ArtifactError` when its file is not what its tags say,
    `RegistryError` when MLflow is down or no day is left that it was not trained on.
    """
    with gather(reader, warehouse, version, present, behaviour.training.holdout_days) as evidence:
        return check(evidence, behaviour)
