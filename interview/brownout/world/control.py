"""The world's control: a loopback HTTP API behind a token, and the client that everybody else uses."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from brownout.errors import WorldError
from brownout.http import client
from brownout.settings import Harness
from brownout.world.feed import FeedChange, parse
from brownout.world.replay import Replay

TIMEOUT_SECONDS = 20.0

Handler = Callable[[Request], Awaitable[Response]]


def token(harness: Harness) -> str:
    """The bearer token, made on first use; readable by the invoker alone."""
    path = token_file(harness)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
        return path.read_text()


def token_file(harness: Harness) -> Path:
    return harness.run / "world.token"


def application(replay: Replay, expected: str) -> Starlette:
    """`GET /status`, `POST /freeze`, `/release`, `/speed`, `/feed`; each answers with the status after it."""

    async def status(_: Request) -> Response:
        return JSONResponse(replay.status())

    async def freeze(_: Request) -> Response:
        await replay.freeze()
        return JSONResponse(replay.status())

    async def release(_: Request) -> Response:
        replay.release()
        return JSONResponse(replay.status())

    async def speed(request: Request) -> Response:
        wanted = (await request.json()).get("speed")
        if not isinstance(wanted, int | float) or isinstance(wanted, bool) or not 0 < wanted <= 100_000:
            raise ValueError(f"speed: received {wanted!r}; expected a number above 0 and at most 100000")
        replay.accelerate(float(wanted))
        return JSONResponse(replay.status())

    async def feed(request: Request) -> Response:
        replay.change_feed(parse(await request.json()))
        return JSONResponse(replay.status())

    def guarded(handler: Handler) -> Handler:
        async def guard(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not secrets.compare_digest(given, f"Bearer {expected}"):
                return JSONResponse({"error": "the token in run/world.token is needed"}, status_code=401)
            try:
                return await handler(request)
            except (ValueError, AttributeError) as error:
                return JSONResponse({"error": str(error)}, status_code=422)

        return guard

    commands = {"freeze": freeze, "release": release, "speed": speed, "feed": feed}
    return Starlette(
        routes=[
            Route("/status", guarded(status)),
            *(Route(f"/{name}", guarded(handler), methods=["POST"]) for name, handler in commands.items()),
        ]
    )


class WorldControl:
    """Every call answers with the world's status. Raises `WorldError` when the world refuses or does not answer."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def status(self) -> dict[str, Any]:
        """`world` (Unix seconds), `speed`, `pace`, `frozen`, `behind_seconds`, `ingest_reachable`, counts and feed."""
        return self._call("GET", "status")

    def alive(self) -> bool:
        try:
            self.status()
        except WorldError:
            return False
        return True

    def freeze(self) -> dict[str, Any]:
        """Stops time; when this returns nothing is under way."""
        return self._call("POST", "freeze")

    def release(self) -> dict[str, Any]:
        return self._call("POST", "release")

    def speed(self, speed: float) -> dict[str, Any]:
        return self._call("POST", "speed", {"speed": speed})

    def now(self) -> float:
        """World time as Unix seconds."""
        return float(self.status()["world"])

    def feed(self, changes: Sequence[FeedChange | Mapping[str, Any]]) -> dict[str, Any]:
        """Replaces what upstream changes; an empty list ends all changes."""
        rows = [change.model_dump() if isinstance(change, FeedChange) else dict(change) for change in changes]
        return self._call("POST", "feed", {"changes": rows})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{self._harness.world_url}/{path}"
        headers = {"Authorization": f"Bearer {token(self._harness)}"}
        try:
            response = client().request(method, url, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise WorldError(
                f"The world does not answer at {url}: {error}. Is it running? `brownout status`."
            ) from error
        if response.status_code != httpx.codes.OK or not isinstance(answer, dict):
            raise WorldError(f"The world refused {path}: {answer}")
        return answer
