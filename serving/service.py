"""The BentoML service. BentoML runs the workers and their lives; `serving.app` answers.

BentoML's own metrics, access log and tracing are off: serving has a log, metrics and request ids of its own, and they
are right with several workers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from ontime.settings import environment
from serving.app import PREDICT, Application

if TYPE_CHECKING:
    from serving.worker import Worker

REQUEST_SECONDS = 30


def make_worker() -> Worker:
    """Imported late: BentoML's own process loads this module only to count workers, and needs no model or store."""
    from serving.worker import from_settings

    return from_settings()


application = Application(make_worker)


class FrontDoor:
    """Hands our paths to our application, and everything else (life cycle, static files) to BentoML's.

    BentoML would answer them too, since the application is mounted, but only after a trace, a timer, a task and a
    context for each request: more CPU than features, model and log together.
    """

    def __init__(self, ours: Application, bento: ASGIApp) -> None:
        self._ours = ours
        self._bento = bento

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else None
        if path == PREDICT:
            await self._ours.predict(scope, receive, send)
        elif path in self._ours.paths:
            await self._ours.app(scope, receive, send)
        else:
            await self._bento(scope, receive, send)


class DirectService(bentoml.Service):  # type: ignore[misc]
    """A BentoML service whose application is reached without BentoML's middleware."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        return FrontDoor(application, super().to_asgi(is_main))


@bentoml.service(
    name="ontime-serving",
    workers=environment().serving_workers,
    traffic={"timeout": REQUEST_SECONDS},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
    service_class=DirectService,
)
@bentoml.asgi_app(application.app)
class OntimeServing:
    """Will this flight arrive more than 15 minutes late?"""
