"""The console's HTTP application: pages, what is done on them, and the stream that keeps them current."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from brownout.console import acts, entry, looking, rating
from brownout.console.alerts import Board
from brownout.console.doors import Doors, EntryNeededError, OwnHost, entry_for, wants_page
from brownout.console.jobs import Jobs
from brownout.console.known import Shelf
from brownout.console.plots import Ask
from brownout.console.stream import Streams
from brownout.errors import BrownoutError
from brownout.lifecycle import Lifecycle
from brownout.pages.headers import SecurityHeaders
from brownout.pages.rendering import Pages
from brownout.proctor.limits import BodyLimit
from brownout.settings import Harness
from ontime.errors import ConfigError, UnknownNameError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Services:
    """What the console needs of the rest; tests bring their own."""

    harness: Harness
    token: str
    lifecycle: Callable[[], Lifecycle]
    jobs: Jobs
    alerts: Callable[[], Board]
    ask: Ask
    streams: Streams = field(default_factory=Streams)


def create_app(services: Services) -> FastAPI:
    doors = Doors(services.token, services.harness.console_url)
    app = FastAPI(title="Console", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    pages = Pages(HERE)
    app.state.services = services
    app.state.doors = doors
    app.state.pages = pages
    app.state.shelf = Shelf(services.harness)
    app.add_middleware(BodyLimit)
    app.add_middleware(OwnHost, doors=doors)
    app.add_middleware(SecurityHeaders)
    app.mount("/static", pages.files())

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    for part in (entry, looking, acts, rating):
        app.include_router(part.router)
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    return app


def _needs_entry(request: Request, _: Exception) -> Response:
    return RedirectResponse(entry_for(request), 303)


def _say(request: Request, code: int, text: str, headers: Any = None) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": text}, code, headers)
    pages: Pages = request.app.state.pages
    back = request.headers.get("referer", "") if request.method == "POST" else ""
    origin = request.app.state.doors.origin
    shown = pages.render("error.html.j2", code=code, text=text, back=back if back.startswith(f"{origin}/") else "/")
    return Response(shown, code, headers, "text/html; charset=utf-8")


def _refused(request: Request, error: Exception) -> Response:
    return _say(request, 409, str(error))


def _unknown(request: Request, error: Exception) -> Response:
    return _say(request, 404 if wants_page(request) or "Unknown interview" in str(error) else 422, str(error))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)  # noqa: S101 - registered for it
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]).replace("_", " ")
    return _say(request, 422, f"{name.capitalize()}: {first['msg']}.")


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return _say(request, error.status_code, str(error.detail), error.headers)


_ANSWERS: dict[type[Exception], Callable[[Request, Exception], Response]] = {
    EntryNeededError: _needs_entry,
    BrownoutError: _refused,
    UnknownNameError: _unknown,
    ConfigError: _refused,
    ValidationError: _invalid,
    HTTPException: _told,
}
