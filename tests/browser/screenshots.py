"""Pictures of every page of the console in both themes, into docs/images: `make screenshots`.

They show a played interview: the pages are the real ones, the ledger is real, the stack is not there.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "interview"), str(ROOT / "platform")]

from brownout import entries as e  # noqa: E402
from brownout.interview import Interview  # noqa: E402
from brownout.ledger import Ledger  # noqa: E402
from tests.browser.driver import TOKEN, Played, chromium  # noqa: E402

OUT = ROOT / "docs" / "images"
SCHEMES = ("light", "dark")
SAID = (
    "Scheduled durations arrive in tenths of an hour since about seven: the median fell from 150 to 2.5 at one moment, "
    "for all carriers. The model reads them as minutes."
)


def page_of(browser: Browser, played: Played, scheme: str, width: int = 1280) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{played.url}/enter#{TOKEN}")
    page.wait_for_url(lambda url: "/enter" not in url)
    return page


def shoot(browser: Browser, played: Played, name: str, path: str, full: bool = False) -> None:
    for scheme in SCHEMES:
        page = page_of(browser, played, scheme)
        page.goto(f"{played.url}{path}")
        page.locator("h1").wait_for(state="attached")
        for plot in page.locator("figure.plot canvas").all():
            plot.wait_for()
        page.screenshot(path=OUT / f"console-{name}-{scheme}.png", full_page=full)
        page.context.close()
        print(f"console-{name}-{scheme}.png")


def begin(browser: Browser, played: Played, scenario: str, candidate: str) -> Iterator[Interview]:
    """Prepares in the browser and yields the interview ready, then started."""
    page = page_of(browser, played, "light")
    page.goto(f"{played.url}/scenarios/{scenario}")
    page.get_by_label("The candidate's alias").fill(candidate)
    page.get_by_label("Raters").fill("ann, ben")
    page.get_by_role("button", name="Prepare").click()
    start = page.get_by_role("button", name="Start the interview")
    start.wait_for()
    yield played.interview
    start.click()
    page.locator("#clock").wait_for()
    page.context.close()
    yield played.interview


def earlier(played: Played) -> None:
    """Interviews of the past, so that there is something to compare with."""
    now = time.time()
    for number, (found, fixed) in enumerate(((9, 24), (14, 31), (17, 38), (22, 44), (26, None), (31, None))):
        created = played.interview.created
        name = f"20260{number + 1}11-past{number}"
        folder = played.harness.interviews / name
        folder.mkdir(parents=True, mode=0o700)
        ledger, start = Ledger.create(folder / "ledger.db"), now - 86_400 * 20 * (number + 1)
        ledger.append(
            "harness", created.model_copy(update={"interview": name, "candidate": f"bird-{number}"}), wall=start
        )
        record = created.faults[0]
        probes = (*record.symptom_probes, *record.root_cause_probes)
        ledger.append("proctor", e.SymptomObserved(fault=record.fault, probe=probes[0], why="seen"), wall=start + 1)
        ledger.append("interviewer", e.Started(brief="b"), wall=start + 2)
        pair = next(a for a in record.answers if a.verdict == "confirmed")
        stated = e.Finding(
            finding=1,
            component=pair.component,
            failure_class=pair.failure_class,
            certainty="conclusion",
            text="x",
            suggested="confirmed",
            suggested_fault=record.fault,
        )
        ledger.append("candidate", stated, wall=start + found * 60)
        if fixed is not None:
            for probe in probes:
                role: e.ProbeRole = "symptom" if probe in record.symptom_probes else "root_cause"
                since = start + fixed * 60
                held = e.ProbeHeld(
                    fault=record.fault,
                    probe=probe,
                    role=role,
                    consecutive=6,
                    answers=240,
                    since_wall=since,
                    since_world=since,
                    why="ok",
                )
                ledger.append("proctor", held, wall=since + 60)
        ledger.append("interviewer", e.Closed(reason="time is up"), wall=start + 3500)
        ledger.append("proctor", e.WatchEnded(), wall=start + 4100)


def live(interview: Interview) -> None:
    """A quarter of an hour's worth of what happens."""
    doubt = "Is the dashboard itself wrong?"
    interview.state_finding("candidate", "monitoring", "misconfiguration", doubt, "suspicion")
    interview.next_hint("candidate")
    interview.note("Put a figure and a time on the symptom before touching anything.")
    interview.add("proctor", e.Change(what="deploy", detail="3f2c1a9 Ingest: refuse durations below ten minutes"))
    looks = (("dashboards", "the overview"), ("prometheus", "a query"), ("git", "log"), ("dashboards", "ingest"))
    for source, what in looks:
        kind = getattr(e, "Consulted", None)
        if kind is not None:
            interview.add("proctor", kind(source=source, what=what))
    shown = "A query over the schedule's table, before and after."
    interview.state_finding("candidate", "upstream", "unit_or_schema_change", SAID, evidence=shown)


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        played = Played(Path(folder))
        played.start()
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            shoot(browser, played, "scenarios", "/scenarios")
            steps = begin(browser, played, "mid-01", "kestrel")
            interview = next(steps)
            shoot(browser, played, "ready", "/interviews/current")
            next(steps)
            live(interview)
            shoot(browser, played, "live", "/interviews/current", full=True)
            shoot(browser, played, "shared", "/interviews/current/shared")
            interview.add("interviewer", e.Closed(reason="time is up"))
            shoot(browser, played, "closing", "/interviews/current/closing")
            earlier(played)
            shoot(browser, played, "history", "/history")
        finally:
            browser.close()
            played.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
