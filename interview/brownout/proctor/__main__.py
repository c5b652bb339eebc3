"""`python -m brownout.proctor`: the interviewer's and candidate's interface, the metrics, and the eye on the probes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from brownout.console.alerts import Alertmanager
from brownout.console.app import Services
from brownout.console.app import create_app as create_console
from brownout.console.jobs import ProcessJobs
from brownout.console.plots import OwnPrometheus
from brownout.errors import BrownoutError
from brownout.evidence.gathering import Gathering, noticers
from brownout.facts import Facts
from brownout.interview import Interview, known_ids
from brownout.lifecycle import Lifecycle
from brownout.proctor import frugal, tokens
from brownout.proctor.app import create_app
from brownout.proctor.changes import Changes
from brownout.proctor.looks import Looks
from brownout.proctor.metrics import InterviewMetrics
from brownout.proctor.metrics import create_app as create_metrics_app
from brownout.proctor.watch import Watch
from brownout.settings import Harness, harness
from brownout.stage import RealStage
from ontime.errors import OntimeError
from ontime.settings import environment

REPORTED = 50
"""How many of the newest interviews have metrics."""

GRACE_SECONDS = 2
"""How long open answers are waited for at the end; streams end by themselves."""

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Leaves signals to `main`, which has two servers to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def known_facts(harness: Harness) -> Iterator[Facts]:
    """The newest interviews; one whose ledger cannot be read is left out and logged."""
    for interview_id in known_ids(harness)[-REPORTED:]:
        try:
            yield Interview(harness, interview_id).facts()
        except BrownoutError as error:
            log.warning("interview %s has no metrics: %s", interview_id, error)


def _server(app: ASGIApp, url: str, host: str) -> Server:
    port = urlsplit(url).port or 80
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return Server(config)


async def serve(here: Harness) -> None:
    def tell(step: str, status: str, detail: str) -> None:
        log.info("%s: %s %s", step, status, detail)

    stage = RealStage(here, environment(), tell)
    token = tokens.ensure(here, "proctor")
    looks = Looks()

    def lifecycle() -> Lifecycle:
        return Lifecycle(here, stage, tell)

    services = Services(
        harness=here,
        token=token,
        lifecycle=lifecycle,
        jobs=ProcessJobs(here),
        alerts=Alertmanager(lambda: environment().alertmanager_url),
        ask=OwnPrometheus(here),
    )
    metrics = InterviewMetrics(lambda: known_facts(here), looks)
    servers = [
        _server(create_app(here, token, lifecycle), here.proctor_url, here.host),
        _server(create_metrics_app(metrics, tokens.ensure(here, "metrics")), here.metrics_url, here.host),
        _server(create_console(services), here.console_url, here.host),
    ]
    watch = Watch(
        here,
        stage.probe_view,
        lambda memory: Changes(environment(), memory),
        stage.world_alive,
        lambda: Gathering(noticers(environment(), here, stage.workspace)),
        looks,
    )
    thread = threading.Thread(target=watch.run, name="watch", daemon=True)
    thread.start()

    def end() -> None:
        watch.stop()
        services.streams.ended = True
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)
    await asyncio.gather(*(server.serve() for server in servers))
    watch.stop()
    thread.join(timeout=5.0)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    frugal.be()
    try:
        asyncio.run(serve(harness()))
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
