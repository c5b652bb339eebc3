"""One interview in two browsers on a running stack, from the scenario's card to the scorecard.

The interviewer has the console, the candidate has the one port. In the middle a page is loaded anew, a connection is
lost and the proctor is killed. Nothing that anybody wrote may be lost, and nobody has to do anything about it.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from brownout.faults import Fault
from brownout.faults.context import InjectContext
from brownout.faults.model import Attempt
from brownout.interview import Interview, the_current
from brownout.proctor import tokens
from brownout.rehearsal import confirmed_pair
from brownout.scenarios import get
from brownout.settings import harness
from brownout.stack import Stack, platform_of
from brownout.stage import RealStage, World
from brownout.world import dataset
from ontime.settings import environment
from tests.browser import driver
from tests.browser.line import Line, browser_on_a_line
from tests.faults.conftest import Brownout, brownout

__all__ = ["brownout"]

PLAYED = "junior-01"
"""One commit breaks it and one deploy repairs it, so most of the time is the stack's."""
PREPARED_MS = 900_000
FIXED_MS = 300_000
BACK_MS = 60_000
"""Within which a page must have found back to a proctor that is being started again."""
EVIDENCE = "Ages on the dashboards grow in step with the clock; ingest's log has no error."
REPAIR = "Take the commit back."


def _has_chromium() -> bool:
    try:
        return bool(driver.chromium())
    except RuntimeError:
        return False


pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not _has_chromium(), reason="no Chromium on PATH: `scripts/setup.sh browser` installs it"),
]


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    """A stack of ten processes on a small machine: nothing on these pages is there within the usual five seconds."""
    expect.set_options(timeout=BACK_MS)
    yield
    expect.set_options(timeout=5_000)


@dataclass(frozen=True)
class Person:
    page: Page
    line: Line


@pytest.fixture
def ann(chrome: Browser) -> Iterator[Person]:
    yield from _person(chrome, harness().console_url)


@pytest.fixture
def kestrel(chrome: Browser) -> Iterator[Person]:
    yield from _person(chrome, harness().way_in_url)


def _person(chrome: Browser, url: str) -> Iterator[Person]:
    """A page in a browser that reaches `url` by a line; an error in its scripts is the test's."""
    wrong: list[str] = []
    with browser_on_a_line(chrome.browser_type, url) as (browser, line):
        page = browser.new_page(reduced_motion="reduce")
        page.set_default_timeout(BACK_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield Person(page, line)
    assert wrong == []


@pytest.fixture
def stack(brownout: Brownout) -> Stack:
    """The flights and the proctor: everything else comes with the preparation."""
    dataset.ensure(harness().data)
    found = Stack(harness(), environment(), lambda *_: None)
    found.ensure_proctor()
    return found


def test_a_whole_rehearsal_in_two_browsers(stack: Stack, brownout: Brownout, ann: Person, kestrel: Person) -> None:
    interviewer, candidate = ann.page, kestrel.page
    ((fault, parameters),) = get(PLAYED).drawn(None)
    way_in = prepare(interviewer)
    interviewer.get_by_role("button", name="Start the interview").click()
    expect(interviewer.locator("#clock")).to_contain_text("running")
    expect(interviewer.locator("#link")).to_have_text("Live")
    interviewer.evaluate("window.same = true")

    candidate.goto(way_in)
    expect(candidate.locator("h1")).to_contain_text("Page from on-call")
    said = fault.confirm_when[0].samples[0]
    draft(candidate, fault, said)
    candidate.reload()
    expect(candidate.locator("#text")).to_have_value(said)
    state_offline(kestrel)
    confirm(interviewer, said)

    interview = the_current(harness())
    hint = hint_while_offline(ann, candidate)
    play(stack, fault.plan(parameters).solutions[0], interview.created.seed)
    expect(interviewer.locator("#changes")).to_contain_text("deploy", ignore_case=True)
    kill_the_proctor(stack, interview, interviewer, candidate)
    expect(interviewer.locator(".moments li.yes", has_text="Fixed")).to_have_count(1, timeout=FIXED_MS)

    leave_a_note(candidate)
    expect(interviewer.locator("#changes > .words")).to_have_text("Watch the ages for an hour.")
    assert interviewer.evaluate("window.same") is True
    close_and_rate(interviewer)
    card = scorecard(interviewer, fault)
    assert [f["verdict"] for f in card["machine"]["findings"]] == ["confirmed"]
    assert [h["text"] for h in card["machine"]["hints"]] == [hint]
    assert [n["text"] for n in card["human"]["notes"]] == ["Begun before the proctor died."]
    assert [r["dimension"] for r in card["human"]["ratings"]] == ["detection"]
    (told,) = card["machine"]["faults"]
    times = [told[moment]["wall"] for moment in ("injected", "symptom_observed", "found", "fixed")]
    assert times == sorted(times)
    checked = brownout("verify")
    assert checked.returncode == 0, checked.stdout


def prepare(page: Page) -> str:
    """From the door to the start; returns the candidate's way in."""
    here = harness()
    page.goto(f"{here.console_url}/enter#{tokens.read(here, 'proctor')}")
    page.get_by_role("link", name=f"Prepare {PLAYED}").click()
    page.get_by_label("The candidate's alias").fill("kestrel")
    page.get_by_label("Raters").fill("ann")
    page.get_by_role("button", name="Prepare").click()
    expect(page.locator(".steps li[aria-current=step]")).to_have_count(1)
    start, failed = page.get_by_role("button", name="Start the interview"), page.locator("#prep-main .notice.bad")
    expect(start.or_(failed)).to_be_visible(timeout=PREPARED_MS)
    expect(failed).to_have_count(0)
    return page.get_by_label(re.compile("^The candidate's way in")).input_value()


def draft(page: Page, fault: Fault, said: str) -> None:
    expect(page.locator("#connection")).to_have_text("Connected")
    component, failure_class = confirmed_pair(fault)
    page.locator("input[value=conclusion]").check()
    page.select_option("#component", component)
    page.select_option("#failure_class", failure_class)
    page.fill("#text", said)
    page.fill("#evidence", EVIDENCE)
    page.fill("#repair", REPAIR)
    expect(page.locator("#draft-words")).to_have_text("Draft kept in this browser.")


def state_offline(candidate: Person) -> None:
    """The first try has no connection; the second needs nothing written again."""
    page = candidate.page
    candidate.line.cut()
    page.get_by_role("button", name="State it").click()
    expect(page.locator("#finding-answer")).to_contain_text("Not sent")
    expect(page.locator("#connection")).to_contain_text("Disconnected, last heard")
    candidate.line.mend()
    expect(page.locator("#connection")).to_have_text("Connected")
    page.get_by_role("button", name="State it").click()
    expect(page.locator("#finding-answer")).to_have_text("Written down as number 1.")


def confirm(page: Page, said: str) -> None:
    finding = page.locator("article", has_text=said)
    expect(finding).to_contain_text("confirm when")
    page.keyboard.press("c")
    expect(finding.locator("header")).not_to_contain_text("suggested")
    expect(page.locator(".moments li.yes", has_text="Found")).to_have_count(1)


def hint_while_offline(interviewer: Person, candidate: Page) -> str:
    """The interviewer hears nothing while the candidate takes a hint, and knows of it when there is a line again."""
    link = interviewer.page.locator("#link")
    interviewer.line.cut()
    expect(link).to_contain_text("Disconnected, last event")
    candidate.get_by_role("button", name="Ask for a hint").click()
    candidate.get_by_role("button", name="Take the hint").click()
    expect(candidate.locator("#given li")).to_have_count(1)
    interviewer.line.mend()
    expect(link).to_have_text("Live")
    expect(interviewer.page.locator("#hints")).to_contain_text("1 of")
    return the_current(harness()).facts().hints[0].text


def play(stack: Stack, attempt: Attempt, seed: int) -> None:
    """What the candidate does in the workspace: commits and deploys."""
    here, platform = harness(), environment()
    context = InjectContext(
        platform=platform_of(platform, here),
        workspace=RealStage(here, platform, lambda *_: None).workspace,
        world=World(here),
        seed=seed,
        harness=here,
        environment=platform,
    )
    for action in attempt.actions:
        action.play(context)


def kill_the_proctor(stack: Stack, interview: Interview, interviewer: Page, candidate: Page) -> None:
    """Both are writing when it dies; the supervisor starts it again."""
    interviewer.get_by_label("Note", exact=True).fill("Begun before the proctor died.")
    candidate.fill("#note", "Watch the ages for an hour.")
    before = interview.ledger.entries()
    first = _proctor(stack)
    os.kill(first, signal.SIGKILL)
    expect(interviewer.locator("#link")).to_contain_text("Disconnected, last event")
    expect(interviewer.locator("#link")).to_have_text("Live")
    expect(candidate.locator("#connection")).to_have_text("Connected")
    assert _proctor(stack) != first
    assert interview.ledger.entries()[: len(before)] == before
    interviewer.get_by_role("button", name="Note it").click()
    expect(interviewer.locator("#notes")).to_contain_text("Begun before the proctor died.")


def _proctor(stack: Stack) -> int:
    deadline = time.monotonic() + BACK_MS / 1000
    while time.monotonic() < deadline:
        pid = next(part.pid for part in stack.supervision.status() if part.name == "proctor")
        if pid:
            return pid
        time.sleep(0.1)
    raise TimeoutError("the supervisor has not started the proctor again")


def leave_a_note(page: Page) -> None:
    expect(page.locator("#note")).to_have_value("Watch the ages for an hour.")
    page.get_by_role("button", name="Leave it").click()
    expect(page.locator("#left-behind")).to_contain_text("Watch the ages for an hour.")


def close_and_rate(page: Page) -> None:
    page.get_by_role("button", name="Close…").click()
    page.get_by_role("button", name="Close the interview").click()
    page.wait_for_url("**/closing")
    expect(page.get_by_role("link", name="Open the scorecard")).to_have_count(0)
    page.locator("#rate-detection label.anchor").nth(3).click()
    expect(page.locator("#rate-detection .said")).to_contain_text("Saved")
    page.get_by_role("button", name="I am done rating").click()
    expect(page.get_by_role("heading", name="Closed")).to_be_visible()


def scorecard(page: Page, fault: Fault) -> Any:
    """As a page, and what it holds as JSON."""
    page.get_by_role("link", name="Open the scorecard").click()
    page.wait_for_url("**/scorecard")
    expect(page.locator("body")).to_contain_text("kestrel")
    expect(page.locator("body")).to_contain_text(fault.title)
    expect(page.locator("#replay")).to_be_visible()
    return page.request.get(f"{page.url}?form=json").json()
