"""Each fault proved both ways on a running stack, changed ones first, as far as the budget goes.

One solution and one wrong fix each, the pack's fault first; `make prove-all` proves the whole catalogue. What was not
proved this time is skipped, and said.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from brownout.faults import discover
from brownout.proof import published
from brownout.proof.prove import provable
from brownout.proof.selection import SHORT, SHORT_SECONDS, Budget, Turn, turns
from brownout.proof.setting import setting_of
from brownout.settings import harness
from tests.faults.conftest import Brownout

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

PACK = Path(__file__).parent / "pack"
OF_THE_PACK = Turn("block_times_in_half_hours", "it is the tests' own", SHORT_SECONDS)


@pytest.fixture(scope="module")
def budget() -> Budget:
    return Budget(harness().prove_seconds)


def prove(turn: Turn, budget: Budget, brownout: Brownout) -> None:
    if not budget.allows(turn):
        pytest.skip(budget.refusal(turn))
    with budget.spending():
        done = brownout("prove", turn.fault_id, "--limit", str(SHORT))
    print(done.stdout)

    assert done.returncode == 0


def test_a_fault_from_a_pack_is_what_it_says(
    budget: Budget, brownout: Brownout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWNOUT_PACKS", str(PACK))
    prove(OF_THE_PACK, budget, brownout)


@pytest.mark.parametrize(
    "turn", turns(map(setting_of, provable(discover())), published.read()), ids=lambda turn: str(turn.fault_id)
)
def test_a_fault_is_what_it_says(turn: Turn, budget: Budget, brownout: Brownout) -> None:
    prove(turn, budget, brownout)
