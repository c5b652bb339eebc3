from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from brownout.errors import WorldError
from brownout.settings import Harness
from brownout.world.control import WorldControl, application, token, token_file

CHANGE = {"field": "distance_miles", "kinds": ["request"], "factor": 1.609, "from_world": 0.0}


class FakeReplay:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def status(self) -> dict[str, Any]:
        return {"told": self.told}

    async def freeze(self) -> None:
        self.told.append("freeze")

    def release(self) -> None:
        self.told.append("release")

    def accelerate(self, speed: float) -> None:
        self.told.append(speed)

    def change_feed(self, changes: tuple[Any, ...]) -> None:
        self.told.append([change.field for change in changes])


async def call(method: str, path: str, bearer: str = "secret", **request: Any) -> httpx.Response:
    app = application(FakeReplay(), "secret")  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://world") as client:
        return await client.request(method, path, headers={"Authorization": f"Bearer {bearer}"}, **request)


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/freeze", None, "freeze"),
        ("/release", None, "release"),
        ("/speed", {"speed": 240}, 240.0),
        ("/feed", {"changes": [CHANGE]}, ["distance_miles"]),
    ],
)
@pytest.mark.anyio
async def test_a_command_reaches_the_replay(path: str, body: Any, told: Any) -> None:
    answer = await call("POST", path, json=body)

    assert (answer.status_code, answer.json()) == (200, {"told": [told]})


@pytest.mark.parametrize("path", ["/status", "/freeze", "/release", "/speed", "/feed"])
@pytest.mark.anyio
async def test_without_the_token_nothing_is_answered(path: str) -> None:
    answer = await call("GET" if path == "/status" else "POST", path, bearer="guess")

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/speed", b'{"speed": 0}'),
        ("/speed", b'{"speed": "fast"}'),
        ("/speed", b'{"speed": true}'),
        ("/speed", b"[]"),
        ("/speed", b"not json"),
        ("/feed", b'{"changes": [{"field": "x"}]}'),
        ("/feed", b"not json"),
    ],
)
@pytest.mark.anyio
async def test_a_command_that_is_none_is_refused_with_a_reason(path: str, content: bytes) -> None:
    answer = await call("POST", path, content=content)

    assert answer.status_code == 422
    assert answer.json()["error"]


def test_the_token_is_made_once_for_the_invoker_alone(tmp_path: Path) -> None:
    harness = Harness(state=tmp_path)
    made = token(harness)

    assert len(made) > 20
    assert token(harness) == made
    assert stat.S_IMODE(token_file(harness).stat().st_mode) == 0o600


def test_a_world_that_is_not_there_is_named(tmp_path: Path) -> None:
    control = WorldControl(Harness(state=tmp_path, world_url="http://127.0.0.1:9"))

    assert not control.alive()
    with pytest.raises(WorldError, match="does not answer at http://127"):
        control.status()
