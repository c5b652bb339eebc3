"""Following the aliases: swaps, refusals, the last good model, the challenger's share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ontime.scorer import Scorer
from serving.models import LAST_GOOD, RETRY_SECONDS, challenged
from tests.unit.serving.conftest import FLIGHT, Platform, flight


def serving(platform: Platform) -> dict[str, int | None]:
    current = platform.worker.models.current
    return {
        alias: model.version if (model := current.of(alias)) else None
        for alias in ("champion", "previous", "challenger")
    }


def test_every_alias_is_followed(platform: Platform) -> None:
    platform.registry.wanted = {"champion": 2, "previous": 1, "challenger": 3}
    platform.worker.models.poll()

    assert serving(platform) == {"champion": 2, "previous": 1, "challenger": 3}
    assert platform.registry.downloads == [1, 2, 3]
    assert platform.metric("ontime_model_info", alias="champion", version="2") == 1
    assert platform.metric("ontime_model_info", alias="champion", version="1") == 0
    assert platform.metric("ontime_model_loads_total", outcome="loaded") == 3


def test_an_alias_that_goes_takes_its_model_with_it_but_never_the_champion(platform: Platform) -> None:
    platform.registry.wanted = {"champion": 2, "previous": 1}
    platform.worker.models.poll()
    platform.registry.wanted = {}
    platform.worker.models.poll()

    assert serving(platform) == {"champion": 2, "previous": None, "challenger": None}


def test_a_version_that_cannot_be_used_is_refused_and_the_last_good_one_kept(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(platform.worker.models, "_monotonic", lambda: now)
    platform.registry.broken = {2}
    platform.registry.wanted = {"champion": 2}
    platform.worker.models.poll()
    platform.worker.models.poll()

    assert serving(platform)["champion"] == 1
    assert platform.registry.downloads == [1, 2]
    assert platform.metric("ontime_model_loads_total", outcome="refused") == 1

    platform.registry.broken = set()
    now = RETRY_SECONDS + 1
    platform.worker.models.poll()

    assert serving(platform)["champion"] == 2


def test_a_model_that_answers_nonsense_is_refused(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scorer, "score", lambda _self, matrix: np.full(len(matrix), np.nan))
    platform.registry.wanted = {"champion": 2}
    platform.worker.models.poll()

    assert serving(platform)["champion"] == 1
    assert platform.metric("ontime_model_loads_total", outcome="refused") == 1


def test_without_mlflow_the_loaded_model_serves_on(platform: Platform) -> None:
    platform.registry.down = True
    platform.worker.models.poll()

    assert serving(platform)["champion"] == 1
    assert platform.metric("ontime_registry_up") == 0


def test_a_restart_without_mlflow_serves_the_last_good_models(make_platform: Callable[..., Platform]) -> None:
    first = make_platform()
    first.registry.wanted = {"champion": 2, "previous": 1}
    first.worker.models.poll()
    second = make_platform()
    second.registry.down = True
    second.worker.models.restore()
    second.worker.models.poll()

    assert serving(second) == {"champion": 2, "previous": 1, "challenger": None}
    assert second.registry.downloads == []


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def half_written(path: Path) -> None:
    path.write_text(path.read_text()[:9])


@pytest.mark.parametrize(("pattern", "harm"), [("*.onnx", damage), ("*.onnx", Path.unlink), (LAST_GOOD, half_written)])
def test_a_damaged_last_good_model_is_not_served(
    make_platform: Callable[..., Platform], pattern: str, harm: Callable[[Path], Any]
) -> None:
    first = make_platform()
    first.worker.models.poll()
    (found,) = (first.environment.state / "serving" / "models").glob(pattern)
    harm(found)
    second = make_platform()
    second.worker.models.restore()

    assert serving(second)["champion"] is None


def test_hot_swaps_under_load_lose_nothing_and_never_mix_version_and_score(
    platform: Platform, model_files: dict[int, Path]
) -> None:
    async def run() -> list[tuple[int, Any]]:
        async with platform.client() as client:
            answered: list[tuple[int, Any]] = []
            done = asyncio.Event()

            async def keep_asking(body: dict[str, Any]) -> None:
                while not done.is_set():
                    response = await client.post("/predict", json=body)
                    answered.append((response.status_code, response.json()))
                    await asyncio.sleep(0)

            asking = [asyncio.create_task(keep_asking(b)) for b in (FLIGHT, {"flights": [FLIGHT] * 20}) for _ in "ab"]
            for version in (2, 3, 1, 2, 3, 1, 2):
                platform.registry.wanted = {"champion": version}
                await asyncio.to_thread(platform.worker.models.poll)
                before = len(answered)
                while len(answered) < before + 8:
                    await asyncio.sleep(0)
            done.set()
            await asyncio.gather(*asking)
            return answered

    answered = asyncio.run(run())
    matrix = platform.worker.features.read(platform_flights(), 1_367_856_000_000_000).matrix
    expected = {str(v): float(Scorer(path).score(matrix)[0]) for v, path in model_files.items()}
    seen = [p for _, body in answered for p in body.get("predictions", [body])]

    assert {code for code, _ in answered} == {200}
    assert {p["model_version"] for p in seen} == {"1", "2", "3"}
    assert all(p["late_probability"] == pytest.approx(expected[p["model_version"]], abs=1e-6) for p in seen)


def platform_flights() -> list[Any]:
    from serving.requests import parse

    return parse(json.dumps(FLIGHT).encode()).flights


def test_the_challenger_answers_its_share_the_same_flights_every_time(make_platform: Callable[..., Platform]) -> None:
    platform = make_platform(challenger_share=0.3)
    platform.registry.wanted = {"champion": 1, "challenger": 2}
    platform.worker.models.poll()
    flights = [flight(flight_id=f"2013-05-06-UA-{n}-EWR") for n in range(1, 401)]

    async def run() -> list[list[str]]:
        async with platform.client() as client:
            bodies = [(await client.post("/predict", json={"flights": flights})).json() for _ in "ab"]
            return [[p["model_version"] for p in body["predictions"]] for body in bodies]

    first, second = asyncio.run(run())

    assert first == second
    assert first == ["2" if challenged(f["flight_id"], 0.3) else "1" for f in flights]
    assert 80 < first.count("2") < 160


def test_without_a_share_the_challenger_answers_nothing() -> None:
    assert not any(challenged(f"flight-{n}", 0.0) for n in range(1000))
    assert all(challenged(f"flight-{n}", 1.0) for n in range(1000))
