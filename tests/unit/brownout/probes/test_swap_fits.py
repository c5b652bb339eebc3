from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brownout.kind import memory
from brownout.probes import ProbeView, Reference, SwapFits, measure_used, swap_fits
from brownout.settings import Harness
from ontime.errors import OntimeError, RuntimeStateError
from ontime.settings import Environment

PROBE = SwapFits()
MIB = 2**20


@pytest.fixture
def view(tmp_path: Path) -> ProbeView:
    here = Environment(state=tmp_path, runtime="kind")
    return ProbeView(
        here, Harness(state=tmp_path), Reference("1", tmp_path), healthy={"serving_used_bytes": 260.0 * MIB}
    )


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """What each pod may use; loading the newest version takes 80 MiB."""
    found: dict[str, int | None] = {"serving-a": 1024 * MIB}
    monkeypatch.setattr(memory, "limits", lambda *_: found)
    monkeypatch.setattr(swap_fits, "_loading", lambda _: ("3", 80 * MIB))
    return found


@pytest.mark.parametrize(("limit", "status"), [(300, "broken"), (339, "broken"), (340, "ok"), (1024, "ok")])
def test_the_limit_must_hold_what_is_used_and_what_loading_takes(
    view: ProbeView, limits: dict[str, int | None], limit: int, status: str
) -> None:
    limits["serving-a"] = limit * MIB

    found = PROBE.run(view)

    assert found.status == status
    assert found.measured == {"left_mib": limit - 340}


def test_the_pod_that_may_use_least_decides(view: ProbeView, limits: dict[str, int | None]) -> None:
    limits |= {"serving-b": 310 * MIB, "serving-c": None}

    assert PROBE.run(view).status == "broken"


def test_without_a_limit_everything_fits(view: ProbeView, limits: dict[str, int | None]) -> None:
    limits["serving-a"] = None

    assert PROBE.run(view).status == "ok"


def test_without_a_pod_or_a_measure_nothing_is_known(view: ProbeView, limits: dict[str, int | None]) -> None:
    assert PROBE.run(replace(view, healthy={})).status == "unknown"
    limits.clear()

    assert PROBE.run(view).status == "unknown"


def test_what_is_used_is_measured_where_there_are_pods(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "used", lambda *_: {"a": 5, "b": 7})

    assert measure_used(Environment(state=tmp_path, runtime="kind")) == {"serving_used_bytes": 7.0}
    assert measure_used(Environment(state=tmp_path)) == {}


def test_what_cannot_be_seen_is_unknown(
    view: ProbeView, limits: dict[str, int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> Any:
        raise RuntimeStateError("the API server does not answer")

    monkeypatch.setattr(memory, "limits", refused)

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
