"""Pictures of every page in both themes, into docs/images: `make screenshots`.

Console, portal and scorecard show a played interview: the pages are the real ones, the ledger is real, the stack is not
there. The dashboards are taken from the stack that runs; without one their pictures stay as they are.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "interview"), str(ROOT / "platform")]

from brownout import entries as e  # noqa: E402
from brownout import rubric  # noqa: E402
from brownout.interview import Interview  # noqa: E402
from brownout.ledger import Ledger  # noqa: E402
from brownout.portal import stack_map  # noqa: E402
from brownout.proctor.app import create_app  # noqa: E402
from ontime.settings import environment  # noqa: E402
from tests.browser.driver import TOKEN, Played, launch  # noqa: E402
from tests.browser.looking import serving  # noqa: E402

OUT = ROOT / "docs" / "images"
MAP = Path(__file__).with_name("overview.json")
"""What the dashboards of a running stack once told the portal."""
SCHEMES = ("light", "dark")
COLOURS = 224
"""Pages have few: with a palette a picture is a third as large."""
SAID = (
    "Scheduled durations arrive in tenths of an hour since about seven: the median fell from 150 to 2.5 at one moment, "
    "for all carriers. The model reads them as minutes."
)
RATED = ("Named a figure and a time first, then one query that told.", 4)


def open_page(browser: Browser, scheme: Any, width: int = 1280, **more: Any) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce", **more
    )
    return context.new_page()


def page_of(browser: Browser, played: Played, scheme: str, width: int = 1280) -> Page:
    page = open_page(browser, scheme, width)
    page.goto(f"{played.url}/enter#{TOKEN}")
    page.wait_for_url(lambda url: "/enter" not in url)
    return page


def keep(page: Page, name: str, full: bool) -> None:
    """Writes the picture with a palette, and closes the page's context."""
    page.evaluate("scrollTo(0, 0)")
    taken = Image.open(io.BytesIO(page.screenshot(full_page=full))).convert("RGB")
    taken.quantize(COLOURS, dither=Image.Dither.NONE).save(OUT / f"{name}.png", optimize=True)
    page.context.close()
    print(f"{name}.png")


def shoot(browser: Browser, played: Played, name: str, path: str, full: bool = False, width: int = 1280) -> None:
    for scheme in SCHEMES:
        page = page_of(browser, played, scheme, width)
        page.goto(f"{played.url}{path}")
        page.locator("h1").first.wait_for(state="attached")
        for plot in page.locator("figure.plot canvas").all():
            plot.wait_for()
        if page.locator("body[data-events]").count():
            page.locator("#link[data-state=live]").wait_for()
        keep(page, f"{name}-{scheme}", full)


def doors(browser: Browser, played: Played) -> None:
    for scheme in SCHEMES:
        page = open_page(browser, scheme)
        page.goto(f"{played.url}/enter")
        keep(page, f"console-enter-{scheme}", full=False)


def portal(browser: Browser, played: Played, interview: Interview) -> None:
    """As the one port shows it: the code comes in a header. Without it there is a door."""
    told = stack_map.StackMap.model_validate_json(MAP.read_text())
    app = create_app(played.harness, TOKEN, mock.Mock())
    with mock.patch.object(stack_map, "look", return_value=told), serving(app) as server:
        header = {"Authorization": f"Bearer {interview.grant_access().code}"}
        for scheme in SCHEMES:
            door = open_page(browser, scheme)
            door.goto(f"{server.url}/portal/")
            keep(door, f"portal-enter-{scheme}", full=False)
            for name, width in (("portal", 1280), ("portal-narrow", 390)):
                page = open_page(browser, scheme, width, extra_http_headers=header)
                page.goto(f"{server.url}/portal/")
                page.locator(".part").first.wait_for()
                keep(page, f"{name}-{scheme}", full=width > 390)


def second_rater(browser: Browser, played: Played) -> None:
    for scheme in SCHEMES:
        page = page_of(browser, played, scheme)
        page.goto(f"{played.url}/interviews/current/closing")
        page.get_by_label("Their name").fill("ben")
        page.get_by_role("button", name="Make the link").click()
        link = page.get_by_label("Give them this link")
        link.wait_for()
        address = link.input_value()
        page.context.close()
        other = open_page(browser, scheme)
        other.goto(address)
        other.wait_for_url("**/rate")
        other.locator("h1").wait_for()
        keep(other, f"console-rate-{scheme}", full=False)


def dashboards(browser: Browser) -> None:
    """The page, an alert's runbook and the narrow page of the stack that runs."""
    base = environment().dashboards_url.rstrip("/")
    try:
        httpx.get(f"{base}/readyz", timeout=5, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        print(f"dashboards: {base} does not answer, their pictures stay. `make up`, then once more.")
        return
    pages = (("dashboards", "/", 1280, 1500), ("dashboards-runbook", "/runbooks/FreshFeaturesOld", 1280, 900))
    for scheme in SCHEMES:
        for name, path, width, height in (*pages, ("dashboards-narrow", "/", 390, 900)):
            page = open_page(browser, scheme, width)
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"{base}{path}")
            page.locator("h1").first.wait_for()
            if path == "/":
                page.locator("#verdict", has_not_text="Asking").wait_for()
                page.wait_for_load_state("networkidle")
            keep(page, f"{name}-{scheme}", full=False)


def begin(browser: Browser, played: Played, scenario: str, candidate: str) -> Iterator[Interview]:
    """Prepares in the browser and yields the interview being prepared, then ready, then started."""
    page = page_of(browser, played, "light")
    page.goto(f"{played.url}/scenarios/{scenario}")
    page.get_by_label("The candidate's alias").fill(candidate)
    page.get_by_label("Raters").fill("ann, ben")
    with played.held():
        page.get_by_role("button", name="Prepare").click()
        page.locator(".steps li[aria-current=step]", has_text="Fault injected").wait_for()
        yield played.interview
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
        interview.add("proctor", e.Consulted(source=source, what=what))
    shown = "A query over the schedule's table, before and after."
    interview.state_finding("candidate", "upstream", "unit_or_schema_change", SAID, evidence=shown)


def paused(browser: Browser, played: Played) -> None:
    page = page_of(browser, played, "light")
    page.goto(f"{played.url}/interviews/current")
    page.get_by_role("button", name="Pause…").click()
    page.keyboard.type("fire drill")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Resume").wait_for()
    shoot(browser, played, "console-paused", "/interviews/current")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause…").wait_for()
    page.context.close()


def ended(interview: Interview) -> None:
    """Repaired, handed over, closed; the first rater is done."""
    for record in interview.created.faults:
        for probe in dict.fromkeys((*record.symptom_probes, *record.root_cause_probes)):
            role: e.ProbeRole = "symptom" if probe in record.symptom_probes else "root_cause"
            seen = {"fault": record.fault, "probe": probe, "role": role}
            interview.add(
                "proctor", e.ProbeChanged(**seen, status="ok", why="Within its band.", answers=240, measured={})
            )
            since = {"since_wall": time.time(), "since_world": interview.world()}
            held = e.ProbeHeld(**seen, **since, consecutive=6, answers=240, why="Within its band.")
            interview.add("proctor", held)
    interview.hand_over("candidate", "Durations are minutes again. Ask the airlines why; watch the scores until noon.")
    interview.add("interviewer", e.Closed(reason="time is up"))
    for dimension in rubric.dimensions():
        interview.rate("ann", dimension, RATED[1], RATED[0])


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        played = Played(Path(folder))
        played.start()
        browser = launch(play.chromium)
        try:
            dashboards(browser)
            doors(browser, played)
            shoot(browser, played, "console-scenarios", "/scenarios")
            shoot(browser, played, "console-new", "/scenarios/mid-01")
            steps = begin(browser, played, "mid-01", "kestrel")
            interview = next(steps)
            shoot(browser, played, "console-preparing", "/interviews/current")
            next(steps)
            shoot(browser, played, "console-ready", "/interviews/current")
            next(steps)
            live(interview)
            shoot(browser, played, "console-live", "/interviews/current", full=True)
            shoot(browser, played, "console-live-narrow", "/interviews/current", width=390)
            shoot(browser, played, "console-shared", "/interviews/current/shared")
            portal(browser, played, interview)
            paused(browser, played)
            ended(interview)
            shoot(browser, played, "console-closing", "/interviews/current/closing")
            second_rater(browser, played)
            interview.finish_ratings("ann")
            shoot(browser, played, "scorecard", "/interviews/current/scorecard", full=True)
            earlier(played)
            shoot(browser, played, "console-history", "/history")
        finally:
            browser.close()
            played.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
