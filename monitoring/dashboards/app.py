"""The page's routes. Every link is relative, so that it works behind any path prefix."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from monitoring.alerts import alerts
from monitoring.dashboards import reports, runbooks
from monitoring.dashboards.inbox import Inbox, Notification
from monitoring.dashboards.overview import PARTS, overview
from monitoring.dashboards.prometheus import Prometheus, PrometheusError, Range
from monitoring.panels import ROWS, panel, panel_of, thresholds
from ontime.clock import Clock
from ontime.errors import ConfigError, UnknownNameError
from ontime.settings import Environment

HERE = Path(__file__).resolve().parent
MAX_MINUTES = 48 * 60
MAX_BODY = 1_000_000
OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:;"
    " style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:; frame-ancestors 'self'"
)
"""Evidently's reports bring their scripts with them; they run without an origin, and may fetch nothing."""


class Guard(BaseHTTPMiddleware):
    """A strict policy on every answer that does not bring its own."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", OWN_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        return response


class Page:
    """The handlers, over one environment."""

    def __init__(self, environment: Environment, prometheus: Prometheus) -> None:
        self._environment = environment
        self._prometheus = prometheus
        self._clock = Clock(environment.clock)
        self._inbox = Inbox()
        self._templates = Jinja2Templates(HERE / "templates")
        self.registry = CollectorRegistry()
        self._asked = Histogram(
            "ontime_dashboards_query_seconds",
            "Wall seconds to answer the page's questions.",
            ["what"],
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5),
            registry=self.registry,
        )
        self._notices = Counter(
            "ontime_dashboards_notices", "Alerts received from Alertmanager.", ["status"], registry=self.registry
        )

    @property
    def routes(self) -> list[Route | Mount]:
        return [
            Route("/", self.home),
            Route("/api/overview", self.api_overview),
            Route("/api/panels/{panel_id}", self.api_panel),
            Route("/alerts", self.alerts_page, methods=["GET"]),
            Route("/alerts", self.receive, methods=["POST"]),
            Route("/runbooks", self.to_directory),
            Route("/runbooks/", self.runbook_list),
            Route("/runbooks/{name}", self.runbook),
            Route("/reports", self.to_directory),
            Route("/reports/", self.report_list),
            Route("/reports/{name:path}", self.report),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    def _render(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """`root` leads from this page to the first one, by dots alone."""
        depth = (
            request.url.path.rstrip("/").count("/")
            if request.url.path.endswith("/")
            else (request.url.path.count("/") - 1)
        )
        try:
            world, speed = self._clock.world_seconds(), self._clock.speed()
        except ConfigError:
            world, speed = time.time(), 0.0
        root = "../" * depth or "./"
        context |= {"root": root, "uis": self._uis(request, root), "world": world, "speed": speed}
        return self._templates.TemplateResponse(request, template, context, status_code=status)

    def _uis(self, request: Request, root: str) -> dict[str, str]:
        """Other pages of the stack. Behind a proxy that serves each page below its own name they are siblings."""
        if request.headers.get("x-forwarded-prefix", "").rstrip("/").endswith("/dashboards"):
            return {name: f"{root}../{name}/" for name in ("prometheus", "airflow", "mlflow")}
        place = self._environment
        return {"prometheus": place.prometheus_url, "airflow": place.airflow_pages, "mlflow": place.mlflow_url}

    async def home(self, request: Request) -> Response:
        known = alerts()
        return self._render(request, "home.html", parts=PARTS, rows=ROWS, alerts=known, thresholds=thresholds)

    async def api_overview(self, request: Request) -> Response:
        with self._asked.labels("overview").time():
            try:
                return JSONResponse(await overview(self._prometheus))
            except PrometheusError as error:
                return JSONResponse({"error": str(error)}, status_code=503)

    async def api_panel(self, request: Request) -> Response:
        try:
            chosen = panel(request.path_params["panel_id"])
            minutes = float(request.query_params.get("minutes", "60"))
        except UnknownNameError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        except ValueError:
            return JSONResponse({"error": "minutes is not a number"}, status_code=422)
        if not 1 <= minutes <= MAX_MINUTES:
            return JSONResponse({"error": f"minutes is {minutes:g}; expected 1 to {MAX_MINUTES}"}, status_code=422)
        with self._asked.labels("panel").time():
            try:
                return JSONResponse(await self._prometheus.panel(chosen, Range.ending_now(minutes)))
            except PrometheusError as error:
                return JSONResponse({"error": str(error)}, status_code=503)

    async def alerts_page(self, request: Request) -> Response:
        trouble = ""
        try:
            active = await self._prometheus.alerts()
        except PrometheusError as error:
            active, trouble = [], str(error)
        active.sort(key=lambda one: (one["state"] != "firing", one["labels"].get("severity", ""), one["activeAt"]))
        context: dict[str, Any] = {
            "active": active,
            "trouble": trouble,
            "entries": self._inbox.entries(),
            "panel_of": panel_of,
        }
        return self._render(request, "alerts.html", **context)

    async def receive(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY:
            return PlainTextResponse("too large\n", status_code=413)
        try:
            notification = Notification.model_validate_json(body)
        except ValidationError as error:
            return PlainTextResponse(f"not a notification of Alertmanager: {error.errors()[0]['msg']}\n", 422)
        for notice in notification.alerts:
            self._notices.labels(notice.status).inc()
        self._inbox.add(notification)
        return PlainTextResponse("kept\n")

    async def to_directory(self, request: Request) -> Response:
        return RedirectResponse(f"{request.url.path.rpartition('/')[2]}/", status_code=307)

    async def runbook_list(self, request: Request) -> Response:
        return self._render(request, "runbooks.html", alerts=list(alerts().values()))

    async def runbook(self, request: Request) -> Response:
        name = request.path_params["name"]
        body = runbooks.html(name)
        if body is None:
            return self._render(request, "missing.html", 404, what=f"runbook {name}")
        context: dict[str, Any] = {"alert": alerts()[name], "body": body, "panel": panel_of(name)}
        return self._render(request, "runbook.html", **context)

    async def report_list(self, request: Request) -> Response:
        return self._render(request, "reports.html", reports=reports.listing(self._environment.reports))

    async def report(self, request: Request) -> Response:
        path = reports.locate(self._environment.reports, request.path_params["name"])
        if path is None:
            return self._render(request, "missing.html", 404, what=f"report {request.path_params['name']}")
        return FileResponse(path, headers={"Content-Security-Policy": REPORT_POLICY})

    async def healthz(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, request: Request) -> Response:
        """Ready without Prometheus too: the page then says that it is down."""
        return PlainTextResponse("ready\n")

    async def metrics(self, request: Request) -> Response:
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


def application(environment: Environment, prometheus: Prometheus | None = None) -> Starlette:
    """The ASGI application; `prometheus` is replaced in tests."""
    asked = prometheus or Prometheus(environment.prometheus_url)
    page = Page(environment, asked)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await asked.close()

    return Starlette(routes=page.routes, middleware=[Middleware(Guard)], lifespan=lifespan)


def port(environment: Environment) -> int:
    return urlsplit(environment.dashboards_url).port or 80
