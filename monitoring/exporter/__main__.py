"""`python -m monitoring.exporter`: looks until it is told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from urllib.parse import urlsplit

from monitoring.exporter.collectors import collectors
from monitoring.exporter.engine import Engine
from monitoring.exporter.server import Server
from ontime.errors import OntimeError
from ontime.settings import behaviour, environment

log = logging.getLogger("monitoring.exporter")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        place, settings = environment(), behaviour().monitoring
        engine = Engine(collectors(place), place, settings)
        port = urlsplit(place.exporter_url).port or 80
        server = Server((place.host, port), engine, settings.every_seconds)
    except OntimeError as error:
        log.error("%s", error)
        return error.exit_code
    except OSError as error:
        log.error("cannot listen on %s: %s. Set ONTIME_EXPORTER_URL to a free port.", place.exporter_url, error)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    log.info("listening on %s, state %s", place.exporter_url, place.state)
    engine.run(stop)
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
