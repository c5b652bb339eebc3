"""How fast the console is with an interview running, and what the proctor costs then; measured in a real browser."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil

from brownout.errors import StackError
from brownout.interview import Interview
from brownout.proctor import tokens
from brownout.settings import Harness
from ontime.runtime.processes import proportional_mib

VISITS = 7
NOTES = 40
PAUSE_SECONDS = 0.7
LAST_SECONDS = 20.0
MB_PER_MIB = 2**20 / 10**6
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_WATCH = """() => { window.painted = {};
  new MutationObserver(() => { const seq = document.body.dataset.painted; window.painted[seq] ??= Date.now(); })
    .observe(document.body, { attributes: true, attributeFilter: ["data-painted"] }); }"""


class Measured(NamedTuple):
    what: str
    value: float
    unit: str
    goal: str


def measure(interview: Interview, harness: Harness, proctor: int, seconds: float) -> Iterator[Measured]:
    """`proctor` is the process's id; notes are written into the interview, which must run. Raises `StackError`."""
    process = psutil.Process(proctor)
    with _page(harness) as page:
        address = f"{harness.console_url}/interviews/{interview.id}"
        yield Measured("console page usable", statistics.median(_visit(page, address) for _ in range(VISITS)), "s", "1")
        late = sorted(_painted(page, interview))
        yield Measured("ledger to painted in the console, p95", late[int(len(late) * 0.95) - 1], "ms", "500")
        begun, used = time.monotonic(), _cpu(process)
        largest = 0.0
        while time.monotonic() - begun < seconds:
            largest = max(largest, proportional_mib(proctor))
            time.sleep(1.0)
        share = (_cpu(process) - used) / (time.monotonic() - begun)
    yield Measured("proctor resident, with probes and a page open", largest * MB_PER_MIB, "MB", "150")
    yield Measured("proctor, share of a core meanwhile", share * 100, "%", "5")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _page(harness: Harness) -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise StackError("Playwright is not installed. `make setup` brings it.") from error
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise StackError("There is no Chromium on PATH. `scripts/setup.sh browser` installs it.")
    host = urlsplit(harness.console_url).hostname
    with sync_playwright() as play:
        options = ["--no-sandbox", f"--host-resolver-rules=MAP {host} {harness.host}"]
        chrome = play.chromium.launch(executable_path=browser, args=options)
        page = chrome.new_page()
        page.goto(f"{harness.console_url}/enter#{tokens.read(harness, 'proctor')}")
        page.wait_for_url(lambda url: "/enter" not in url)
        yield page
        chrome.close()


def _visit(page: Any, address: str) -> float:
    """Seconds from the visit until the page is there and hears from the proctor."""
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#link[data-state=live]")
    return float(page.evaluate("performance.now()")) / 1000


def _painted(page: Any, interview: Interview) -> list[float]:
    """Milliseconds from each entry's own time until a page painted it."""
    page.evaluate(_WATCH)
    written: list[tuple[int, float]] = []
    for number in range(NOTES):
        entry = interview.note(f"measured: {number}")
        written.append((entry.seq, entry.wall * 1000))
        time.sleep(PAUSE_SECONDS)
    deadline = time.monotonic() + LAST_SECONDS
    painted: dict[int, float] = {}
    while max(painted, default=0) < written[-1][0]:
        if time.monotonic() > deadline:
            raise StackError(f"The console did not paint entry {written[-1][0]} within {LAST_SECONDS:.0f} s.")
        painted = {int(seq): float(at) for seq, at in page.evaluate("window.painted").items()}
        time.sleep(0.05)
    return [min(at for seen, at in painted.items() if seen >= seq) - wall for seq, wall in written]
