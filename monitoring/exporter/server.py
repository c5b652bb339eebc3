"""The exporter's HTTP server: `/metrics`, `/healthz` and `/readyz`."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from monitoring.exporter.engine import Engine

STALE_LOOKS = 6
"""Missed looks after which the exporter is no longer ready: it answers, but with old figures."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], engine: Engine, every_seconds: float) -> None:
        super().__init__(address, Handler)
        self.engine = engine
        self._every_seconds = every_seconds

    def ready(self) -> bool:
        newest = self.engine.registry.get_sample_value("ontime_exporter_look_timestamp_seconds") or 0.0
        return self.engine.looks > 0 and time.time() - newest < self._every_seconds * STALE_LOOKS


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, generate_latest(self.server.engine.registry), CONTENT_TYPE_LATEST)
        elif path == "/healthz":
            self._answer(200, b"ok\n")
        elif path == "/readyz":
            ready = self.server.ready()
            self._answer(200 if ready else 503, b"ready\n" if ready else b"no recent look\n")
        else:
            self._answer(404, b"Known: /metrics /healthz /readyz\n")

    def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a scrape every few seconds says nothing worth keeping."""
