"""The played proctor and what is asked of its pages; used by the tests and by the script of screenshots."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserType, Page

from brownout.interview import Interview, current
from brownout.settings import Harness
from tests.browser.play import HOLD

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOKEN = "played-token"
AXE = HERE / "vendor" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
UP_SECONDS = 60.0


def chromium() -> str:
    """Its path. Raises `RuntimeError` with the remedy when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("There is no Chromium on PATH. `scripts/setup.sh browser` installs it.")


def launch(kind: BrowserType, *arguments: str) -> Browser:
    """Chromium without a window, as root too."""
    return kind.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage", *arguments])


class Played:
    """The played proctor: can be killed and started again on the same state."""

    def __init__(self, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://console.localhost:{self.port}"
        self.harness = Harness(state=state, console_url=self.url)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        paths = os.pathsep.join(str(ROOT / part) for part in ("platform", "interview", ""))
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "play.py"), str(self.port)],
            env={
                **os.environ,
                "PYTHONPATH": paths,
                "BROWNOUT_STATE": str(self.harness.state),
                "BROWNOUT_CONSOLE_URL": self.url,
            },
        )
        deadline = time.monotonic() + UP_SECONDS
        while True:
            with suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False)
                return
            assert self._process.poll() is None, "the played proctor ended"
            assert time.monotonic() < deadline, "the played proctor did not come up"
            time.sleep(0.05)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=20)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block a preparation stays where the fault is put in."""
        hold = self.harness.state / HOLD
        hold.touch()
        try:
            yield
        finally:
            hold.unlink()

    @property
    def interview(self) -> Interview:
        found = current(self.harness)
        assert found is not None
        return found


def axe(page: Page) -> list[str]:
    """What axe finds on the page, one line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("levels => axe.run({ runOnly: levels })", LEVELS)
    return [f"{v['id']}: {[n['html'][:100] for n in v['nodes'][:3]]}" for v in found["violations"]]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("Math.max(0, document.documentElement.scrollWidth - innerWidth)"))
