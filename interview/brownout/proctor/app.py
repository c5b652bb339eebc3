"""The proctor's HTTP interface: candidate's and interviewer's routes, and what is answered when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from brownout.errors import BrownoutError, FindingError, LedgerError, LifecycleError
from brownout.lifecycle import Lifecycle
from brownout.proctor import auth, candidate, interviewer, portal
from brownout.proctor.limits import BodyLimit
from brownout.settings import Harness
from ontime.errors import UnknownNameError

_CODES: dict[type[Exception], int] = {FindingError: 422, LifecycleError: 409, LedgerError: 409}


def create_app(harness: Harness, token: str, lifecycle: Callable[[], Lifecycle]) -> FastAPI:
    """`lifecycle` is made anew for every request that moves the stack."""
    app = FastAPI(title="Proctor", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.harness = harness
    app.state.doors = auth.Doors(harness, token)
    app.state.lifecycle = lifecycle
    app.add_middleware(BodyLimit)
    app.include_router(candidate.router)
    app.mount("/portal/static", portal.static())
    app.include_router(portal.router)
    app.include_router(interviewer.router)

    @app.get("/healthz", tags=["open"])
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(auth.interviewer)])
    def openapi() -> JSONResponse:
        return JSONResponse(get_openapi(title=app.title, version=app.version, routes=app.routes))

    app.add_exception_handler(BrownoutError, _refused)
    app.add_exception_handler(UnknownNameError, _unknown)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _told)
    return app


def _refused(_: Request, error: Exception) -> JSONResponse:
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), 409)
    return JSONResponse({"error": str(error)}, code)


def _unknown(_: Request, error: Exception) -> JSONResponse:
    """A part of the path that does not exist is 404; a word of the body outside its vocabulary is 422."""
    in_path = str(error).startswith(("Unknown interview ", "Unknown finding "))
    return JSONResponse({"error": str(error)}, 404 if in_path else 422)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    told: list[dict[str, Any]] = [
        {"field": ".".join(str(part) for part in e["loc"]), "reason": e["msg"], "value": str(e.get("input"))[:200]}
        for e in error.errors()
    ]
    return JSONResponse(jsonable_encoder({"errors": told}), 422)


def _told(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)
