from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.kind import memory
from brownout.kind.memory import Memory
from brownout.probes import ProbeView, Reference, SwapFits, swap_fits
from brownout.settings import Harness
from ontime.errors import OntimeError, RuntimeStateError
from ontime.settings import Environment

PROBE = SwapFits()
MIB = 2**20


@pytest.fixture
def view(tmp_path: Path) -> ProbeView:
    here = Environment(state=tmp_path, runtime="kind")
    return ProbeView(here, Harness(state=tmp_path), Reference("1", tmp_path))


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> dict[str, Memory]:
    """What each ready pod uses and may use; loading the newest version takes 80 MiB."""
    found = {"serving-a": Memory(260 * MIB, 1024 * MIB)}
    monkeypatch.setattr(memory, "look", lambda *_: found)
    monkeypatch.setattr(swap_fits, "_loading", lambda _: ("3", 80 * MIB))
    return found


@pytest.mark.parametrize(("limit", "status"), [(300, "broken"), (339, "broken"), (340, "ok"), (1024, "ok")])
def test_the_limit_must_hold_what_is_used_and_what_loading_takes(
    view: ProbeView, pods: dict[str, Memory], limit: int, status: str
) -> None:
    pods["serving-a"] = Memory(260 * MIB, limit * MIB)

    found = PROBE.run(view)

    assert found.status == status
    assert found.measured == {"left_mib": limit - 340}


def test_the_pod_with_the_least_to_spare_decides(view: ProbeView, pods: dict[str, Memory]) -> None:
    pods["serving-b"] = Memory(300 * MIB, 310 * MIB)
    pods["serving-c"] = Memory(900 * MIB, None)

    assert PROBE.run(view).status == "broken"


def test_without_a_limit_everything_fits(view: ProbeView, pods: dict[str, Memory]) -> None:
    pods["serving-a"] = Memory(260 * MIB, None)

    assert PROBE.run(view).status == "ok"


def test_without_a_ready_pod_nothing_is_known(view: ProbeView, pods: dict[str, Memory]) -> None:
    pods.clear()

    assert PROBE.run(view).status == "unknown"


def test_what_cannot_be_seen_is_unknown(
    view: ProbeView, pods: dict[str, Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> Any:
        raise RuntimeStateError("the API server does not answer")

    monkeypatch.setattr(memory, "look", refused)

    assert "does not answer" in PROBE.run(view).why


def test_processes_have_no_limit(tmp_path: Path) -> None:
    view = ProbeView(Environment(state=tmp_path), Harness(state=tmp_path), Reference("1", tmp_path))

    assert PROBE.run(view).status == "unknown"


def test_the_newest_version_is_loaded_once(view: ProbeView, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = SimpleNamespace(registered=lambda: [SimpleNamespace(version=4)], file=lambda version: tmp_path / version)
    loaded: list[Path] = []
    monkeypatch.setattr(swap_fits, "versions", lambda _: known)
    monkeypatch.setattr(swap_fits, "loading_bytes", lambda file, _: loaded.append(file) or 7)

    assert [swap_fits._loading(view) for _ in range(2)] == [("4", 7), ("4", 7)]
    assert loaded == [tmp_path / "4"]


def test_loading_a_larger_model_takes_more(models: dict[str, Path]) -> None:
    small, large = (swap_fits.loading_bytes(models[version], models["2"]) for version in ("1", "4"))

    assert models["4"].stat().st_size < large < 60 * models["4"].stat().st_size
    assert small < large / 4


def test_a_file_that_is_no_model_is_named(models: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "nothing.onnx"
    path.write_bytes(b"nothing")

    with pytest.raises(OntimeError, match=re.escape(f"{path} cannot be loaded")):
        swap_fits.loading_bytes(path, models["1"])
