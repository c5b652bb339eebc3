"""The HTTP surface: a Starlette application over one `Worker`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serving import openapi
from serving.metrics import CONTENT_TYPE
from serving.requests import FieldError, Question, RefusedError, parse, read_body

if TYPE_CHECKING:  # the process that only watches the workers imports this module, too: keep it light
    from serving.predictor import Answers
    from serving.worker import Worker

PREDICT = "/predict"
PATHS = (PREDICT, "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs.json", "/")
"""Everything that is answered here; `/docs.json` is where BentoML's clients look for the document."""
INLINE_FLIGHTS = 8
"""Up to so many flights are answered on the event loop: handing them to a thread costs more than answering."""
CLIENT_GONE = 499
"""What is counted when a caller hangs up before its request is complete; nobody receives it."""
_WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger("ontime.serving")


class Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class RequestIds:
    """The caller's id when it is well formed, else one of this worker's own."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = count()

    def of(self, request: Request) -> str:
        given = request.headers.get("x-request-id")
        if given is not None and _WELL_FORMED_ID.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._numbers)}"


def _refusal(status: int, errors: Iterable[FieldError], request_id: str) -> Json:
    body = {"errors": [{"field": e.field, "reason": e.reason, "value": e.value} for e in errors]}
    return Json(body, status, {"X-Request-Id": request_id})


def _body(question: Question, answers: Answers) -> Any:
    predictions = [
        {
            "flight_id": flight.flight_id,
            "late_probability": probability,
            "model_version": version,
            "degraded": bool(reasons),
            "reasons": reasons,
        }
        for flight, probability, version, reasons in zip(
            question.flights, answers.probabilities.tolist(), answers.versions, answers.reasons, strict=True
        )
    ]
    return predictions[0] if question.single else {"predictions": predictions}


class Endpoints:
    """What each path does. `start` and `stop` of the worker frame the application's life."""

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        self._make_worker = make_worker
        self._ids = RequestIds()
        self._worker: Worker | None = None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="batch")

    @property
    def worker(self) -> Worker:
        if self._worker is None:
            raise RuntimeError("the application has not been started: run it with its lifespan")
        return self._worker

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._worker = await asyncio.to_thread(self._make_worker)
        await asyncio.to_thread(self._worker.start)
        try:
            yield
        finally:
            self._threads.shutdown()
            await asyncio.to_thread(self._worker.stop)

    async def predict(self, request: Request) -> Response:
        started = time.perf_counter()
        request_id = self._ids.of(request)
        size = "single"
        try:
            question = parse(await read_body(request))
            size = "single" if question.single else "batch"
            if len(question.flights) <= INLINE_FLIGHTS:
                content = self._answer(question, request_id, started)
            else:
                loop = asyncio.get_running_loop()
                content = await loop.run_in_executor(self._threads, self._answer, question, request_id, started)
            response = Response(content, 200, {"X-Request-Id": request_id}, "application/json")
        except ClientDisconnect:
            response = Response(status_code=CLIENT_GONE)
        except RefusedError as refused:
            response = _refusal(refused.status, refused.errors, request_id)
        except Exception:
            log.exception("request failed request_id=%s", request_id)
            why = FieldError("", f"the service failed; its log has request id {request_id}", None)
            response = _refusal(500, [why], request_id)
        metrics = self.worker.metrics
        metrics.requests.labels(size, str(response.status_code)).inc()
        metrics.duration_of[size].observe(time.perf_counter() - started)
        return response

    def _answer(self, question: Question, request_id: str, started: float) -> bytes:
        answers = self.worker.predictor.answer(question.flights, request_id, started)
        return orjson.dumps(_body(question, answers))

    async def healthz(self, _request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def readyz(self, _request: Request) -> Response:
        readiness = await asyncio.to_thread(self.worker.readiness)
        return Json(readiness.model_dump(), 200 if readiness.ready else 503)

    async def metrics(self, _request: Request) -> Response:
        content = await asyncio.to_thread(self.worker.exposition)
        return Response(content, headers={"Content-Type": CONTENT_TYPE})

    async def openapi(self, _request: Request) -> Response:
        return Json(openapi.document())

    async def page(self, _request: Request) -> Response:
        return Response(openapi.PAGE, media_type="text/html")

    async def http_error(self, request: Request, error: Exception) -> Response:
        """404 and 405 in the same shape as every other refusal."""
        if not isinstance(error, HTTPException):
            raise error
        response = _refusal(
            error.status_code, [FieldError("", f"{request.method} {request.url.path}: {error.detail}", None)], ""
        )
        response.headers.update(error.headers or {})
        return response


def create_app(make_worker: Callable[[], Worker]) -> Starlette:
    """The application; the worker is made when it starts, in the process that serves."""
    endpoints = Endpoints(make_worker)
    get = {
        "/healthz": endpoints.healthz,
        "/readyz": endpoints.readyz,
        "/metrics": endpoints.metrics,
        "/openapi.json": endpoints.openapi,
        "/docs.json": endpoints.openapi,
        "/": endpoints.page,
    }
    return Starlette(
        routes=[
            Route(PREDICT, endpoints.predict, methods=["POST"]),
            *(Route(path, get[path]) for path in PATHS if path != PREDICT),
        ],
        exception_handlers={HTTPException: endpoints.http_error},
        lifespan=endpoints.lifespan,
    )
