"""A probe with honest margins is quiet in healthy windows; one without is red, and the window is named."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from brownout.probes import ClientLatency, ServedScorePath, StoredRowsTrue
from brownout.quiet import kept, live
from brownout.quiet.offline import look
from brownout.quiet.windows import COUNT, NAMES, Window, windows
from brownout.settings import Harness
from brownout.world import tape
from ontime.features import EVENT_TABLES
from tests.unit.brownout.probes.conftest import NOW

AMONG = (Window("may", NOW - timedelta(hours=6), 1), Window("may", NOW - timedelta(hours=5.5), 2))
"""Hours in which flights leave and flights of the day after next are announced."""


@pytest.fixture(scope="module")
def taped(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world with its tape beside it."""
    directory = tmp_path_factory.mktemp("taped")
    for table in EVENT_TABLES:
        (directory / f"{table}.parquet").symlink_to(data / f"{table}.parquet")
    tape.write(directory, {table: pq.read_table(data / f"{table}.parquet") for table in EVENT_TABLES})
    return directory


def test_honest_margins_are_quiet(taped: Path, models: dict[str, Path]) -> None:
    stored = StoredRowsTrue(field="scheduled_minutes", min_share_present=0.5)
    found = look([ServedScorePath(), stored], taped, models["1"], AMONG)

    assert {name: (verdict.red, verdict.covered) for name, verdict in found.items()} == {
        "ServedScorePath": ({}, 2),
        "StoredRowsTrue": ({}, 2),
    }


def test_a_margin_below_healthy_delays_is_red(taped: Path, models: dict[str, Path]) -> None:
    hasty = ServedScorePath(ticks=1, midnights=1, max_deviation=1e-9)
    verdict = look([hasty], taped, models["1"], AMONG)["ServedScorePath"]

    assert str(AMONG[0]) in verdict.red
    assert str(verdict).startswith(
        f"ServedScorePath is red in {len(verdict.red)} of 2 healthy windows, first {AMONG[0]}"
    )


def test_what_cannot_be_judged_offline_is_said(taped: Path, models: dict[str, Path]) -> None:
    verdict = look([ClientLatency(objective_ms=50)], taped, models["1"], AMONG)["ClientLatency"]

    assert (verdict.red, verdict.covered) == ({}, 0)
    assert "cannot be looked at" in str(verdict)


def test_a_verdict_is_kept(tmp_path: Path, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(kept, "look", lambda probes, *rest: looked.append(1) or look(probes, *rest))
    here = Harness(state=tmp_path)
    probe = ClientLatency(objective_ms=50)
    first = kept.of(probe, 4, models["1"], here)

    assert kept.of(probe, 4, models["1"], here) == first
    assert kept.of(probe, 4, models["2"], here) == first
    assert len(looked) == 2


def test_there_are_twenty_windows_of_all_baselines_days_and_seeds() -> None:
    found = windows()

    assert len(set(found)) == COUNT == 20
    assert {window.baseline for window in found} == set(NAMES)
    assert len({window.begins.date() for window in found}) >= 15
    assert len({window.seed for window in found}) == 20


def test_live_windows_take_every_baseline_with_two_seeds() -> None:
    found = live.plan()

    assert len(found) == 20
    assert len(set(found)) == 6
    assert sum(before != after for before, after in pairwise(found)) == 5
