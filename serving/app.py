"""The HTTP surface: `Predict` answers `/predict`; a Starlette application around it answers everything else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from serving import openapi
from serving.metrics import CONTENT_TYPE
from serving.requests import ClientGoneError, FieldError, Question, RefusedError, parse, read_body

if TYPE_CHECKING:  # the process that only watches the workers imports this module, too: keep it light
    from serving.predictor import Answers
    from serving.worker import Worker

PREDICT = "/predict"
INLINE_FLIGHTS = 8
"""Up to so many flights are answered on the event loop: handing them to a thread costs more than answering."""
CLIENT_GONE = 499
"""What is counted for a caller that hung up."""
_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger("ontime.serving")


def refusal(errors: Iterable[FieldError]) -> bytes:
    return orjson.dumps({"errors": [{"field": e.field, "reason": e.reason, "value": e.value} for e in errors]})


def answer_body(question: Question, answers: Answers) -> bytes:
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
    return orjson.dumps(predictions[0] if question.single else {"predictions": predictions})


class RequestIds:
    """The caller's id when it is well formed, else one of this worker's own."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = count()

    def of(self, headers: Mapping[bytes, bytes]) -> str:
        given = headers.get(b"x-request-id")
        if given is not None and _WELL_FORMED_ID.fullmatch(given):
            return given.decode()
        return f"{self._prefix}-{next(self._numbers)}"


class Predict:
    """`POST /predict` as a bare ASGI application: request and response objects would cost as much as the features."""

    def __init__(self, worker: Callable[[], Worker]) -> None:
        self._worker = worker
        self._ids = RequestIds()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="batch")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = self._ids.of(headers)
        size, extra = "single", []
        try:
            if scope["method"] != "POST":
                extra = [(b"allow", b"POST")]
                raise RefusedError(405, FieldError("", f"{scope['method']} {PREDICT}: expected POST", None))
            question = parse(await read_body(headers, receive))
            size = "single" if question.single else "batch"
            status, body = 200, await self._answer(question, request_id, started)
        except ClientGoneError:
            status, body = CLIENT_GONE, b""
        except RefusedError as refused:
            status, body = refused.status, refusal(refused.errors)
        except Exception:
            log.exception("request failed request_id=%s", request_id)
            why = FieldError("", f"the service failed; its log has request id {request_id}", None)
            status, body = 500, refusal([why])
        metrics = self._worker().metrics
        metrics.requests.labels(size, str(status)).inc()
        metrics.duration_of[size].observe(time.perf_counter() - started)
        if status == CLIENT_GONE:
            return
        told = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode()),
            *extra,
        ]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, question: Question, request_id: str, started: float) -> bytes:
        if len(question.flights) <= INLINE_FLIGHTS:
            return self._answer_now(question, request_id, started)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer_now, question, request_id, started)

    def _answer_now(self, question: Question, request_id: str, started: float) -> bytes:
        return answer_body(question, self._worker().predictor.answer(question.flights, request_id, started))

    def close(self) -> None:
        self._threads.shutdown()


class Application:
    """All paths over one worker, which is made, started and stopped with `app`'s life cycle."""

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        self._make_worker = make_worker
        self._made: Worker | None = None
        self.predict = Predict(self._worker)
        self.app = Starlette(
            routes=[
                Route(PREDICT, self.predict),
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                Route("/openapi.json", self._openapi),
                Route("/docs.json", self._openapi),
                Route("/", self._page),
            ],
            exception_handlers={HTTPException: self._http_error},
            lifespan=self._lifespan,
        )
        self.paths = frozenset(route.path for route in self.app.routes if isinstance(route, Route))

    def _worker(self) -> Worker:
        if self._made is None:
            raise RuntimeError("the application has not been started: run it with its lifespan")
        return self._made

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._made = await asyncio.to_thread(self._make_worker)
        await asyncio.to_thread(self._made.start)
        try:
            yield
        finally:
            self.predict.close()
            await asyncio.to_thread(self._made.stop)

    async def _healthz(self, _request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def _readyz(self, _request: Request) -> Response:
        readiness = await asyncio.to_thread(self._worker().readiness)
        return _json(readiness.model_dump(), 200 if readiness.ready else 503)

    async def _metrics(self, _request: Request) -> Response:
        content = await asyncio.to_thread(self._worker().exposition)
        return Response(content, headers={"Content-Type": CONTENT_TYPE})

    async def _openapi(self, _request: Request) -> Response:
        return _json(openapi.document())

    async def _page(self, _request: Request) -> Response:
        return Response(openapi.PAGE, media_type="text/html")

    async def _http_error(self, request: Request, error: Exception) -> Response:
        """404 and 405 in the same shape as every other refusal."""
        if not isinstance(error, HTTPException):
            raise error
        why = FieldError("", f"{request.method} {request.url.path}: {error.detail}", None)
        return Response(refusal([why]), error.status_code, error.headers, "application/json")


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
