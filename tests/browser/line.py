"""A line between one browser and one server that can be cut.

Chromium's own "offline" spares a stream that was open before it, so a page that listens would go on hearing.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserType

from tests.browser.driver import launch

CHUNK_BYTES = 65_536


class Line:
    """A TCP relay on loopback to the server of `url`. Cut, it ends all connections and keeps none until mended."""

    def __init__(self, url: str) -> None:
        self.netloc = urlsplit(url).netloc
        self._target = ("127.0.0.1", int(self.netloc.rpartition(":")[2]))
        self._lock = threading.Lock()
        self._is_cut = False
        self._open: set[socket.socket] = set()
        line = self

        class Carried(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                line._carry(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Carried)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Line:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self.cut()
        self._server.server_close()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def _carry(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target)
        except OSError:
            return
        with far:
            with self._lock:
                if self._is_cut:
                    return
                self._open |= {near, far}
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()
            with self._lock:
                self._open -= {near, far}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK_BYTES):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def browser_on_a_line(chromium: BrowserType, url: str) -> Iterator[tuple[Browser, Line]]:
    """A browser of its own that reaches the server of `url` by the line alone, and does not know it."""
    with Line(url) as line:
        browser = launch(chromium, f"--host-resolver-rules=MAP {line.netloc} 127.0.0.1:{line.port}")
        try:
            yield browser, line
        finally:
            browser.close()
