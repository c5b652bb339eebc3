"""What tests of pages share: an application on a port of its own, and axe."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page

AXE = Path(__file__).with_name("vendor") / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")


class Server(uvicorn.Server):
    """An ASGI application on a free port, in a thread of this process; `stop` and `start` keep the port."""

    def __init__(self, app: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._app = app
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(self._app, "127.0.0.1", self.port, log_level="warning", lifespan="off")
        super().__init__(config)
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self.started:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.url} did not start within 20 s")
            time.sleep(0.02)

    def stop(self) -> None:
        self.should_exit = self.force_exit = True
        if self._thread is not None:
            self._thread.join(timeout=20)


@contextmanager
def serving(app: Any) -> Iterator[Server]:
    server = Server(app)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def page_of(browser: Browser, size: str = "wide", theme: str = "light", **more: Any) -> Iterator[Page]:
    """A page in a context of its own; what its console complains about is in `page.complaints`."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        **more,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints  # type: ignore[attr-defined]
    page.set_default_timeout(15_000)
    try:
        yield page
    finally:
        context.close()


def accessibility(page: Page) -> list[str]:
    """What axe finds, one line a place; empty when nothing."""
    # The page's own policy lets no other script in; the tester's comes by another way.
    page.evaluate(AXE.read_text())
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def fits(page: Page) -> bool:
    """Whether the page is no wider than its window."""
    answer: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return answer
