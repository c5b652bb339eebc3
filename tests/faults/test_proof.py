"""Every discovered fault, proved both ways on a running stack. Run by `pytest -m faults tests/faults`."""

from __future__ import annotations

import pytest

from brownout.faults import discover
from brownout.proof import prove

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]


@pytest.mark.parametrize("fault_id", sorted(discover()))
def test_a_fault_counts_only_when_proved_both_ways(fault_id: str) -> None:
    rows = prove(fault_id, lambda step, status, detail: print(f"{step}: {status} {detail}"[:200]))

    assert [f"{row.step}: {row.why}" for row in rows if row.outcome == "dishonest"] == []
    assert {"symptom", "reset"} <= {row.step for row in rows}
