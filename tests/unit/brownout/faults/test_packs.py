"""A directory outside the catalogue adds faults and scenarios, found by the same code and refused by the same rules."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brownout import faults, scenarios
from brownout.faults import discovery
from brownout.proof.setting import setting_of
from brownout.settings import ROOT, harness
from ontime.errors import ConfigError, UnknownNameError

PACK = ROOT / "tests" / "faults" / "pack"
FAULT = "block_times_in_half_hours"


def forget() -> None:
    harness.cache_clear()
    discovery.forget()
    scenarios.load.cache_clear()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`use(directory, …)` puts packs into the environment, and nothing of them is left after the test."""

    def put(*packs: Path) -> None:
        monkeypatch.setenv("BROWNOUT_PACKS", ":".join(str(pack) for pack in packs))
        forget()

    yield put
    monkeypatch.undo()
    forget()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACK, tmp_path / "pack", ignore=shutil.ignore_patterns("__pycache__")))


def test_without_packs_there_is_nothing_of_them() -> None:
    assert FAULT not in faults.discover()
    assert "mid-91" not in scenarios.load()


def test_a_pack_adds_faults_and_scenarios(use: Callable[..., None]) -> None:
    use(PACK)

    assert faults.get(FAULT).layer == "data"
    assert {"stale_fresh_path", FAULT} <= faults.discover().keys()
    assert [fault.id for fault, _ in scenarios.get("mid-91").drawn()] == [FAULT]
    assert (setting_of(FAULT).scenario, setting_of(FAULT).path.parents[2]) == ("mid-91", PACK)


def test_a_fault_that_no_scenario_uses_is_proved_on_the_usual_baseline(use: Callable[..., None], copy: Path) -> None:
    (copy / "scenarios" / "mid-91.yaml").unlink()
    use(copy)

    assert (setting_of(FAULT).scenario, setting_of(FAULT).baseline) == ("", "may")


def test_two_packs_with_one_fault_are_refused(use: Callable[..., None], copy: Path) -> None:
    use(PACK, copy)

    with pytest.raises(ConfigError, match=f"id '{FAULT}' is taken by") as refused:
        faults.discover()

    assert str(copy) in str(refused.value)


def test_a_scenario_under_an_id_that_is_taken_is_refused(use: Callable[..., None], copy: Path) -> None:
    shutil.copy(ROOT / "interview" / "scenarios" / "mid-01.yaml", copy / "scenarios" / "mid-01.yaml")
    use(copy)

    with pytest.raises(ConfigError, match=r"id 'mid-01' is taken\. Choose another"):
        scenarios.load()


def test_a_pack_that_is_not_there_is_refused(use: Callable[..., None], tmp_path: Path) -> None:
    use(tmp_path / "nowhere")

    with pytest.raises(ConfigError, match=r"BROWNOUT_PACKS.*nowhere.*directories of packs"):
        faults.discover()


def test_a_scenario_of_a_pack_is_read_with_the_same_rules(use: Callable[..., None], copy: Path) -> None:
    path = copy / "scenarios" / "mid-91.yaml"
    path.write_text(path.read_text().replace(f"fault: {FAULT}", "fault: block_times"))
    use(copy)

    with pytest.raises(UnknownNameError, match=rf"mid-91\.yaml.*fault.*'block_times'.*{FAULT}"):
        scenarios.load()
