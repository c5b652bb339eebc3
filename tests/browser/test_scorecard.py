"""The scorecard as a page of its own: readable, scrubbed through, and two sheets of paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from brownout import entries as e
from brownout import rubric
from brownout.scorecard import document, render
from brownout.settings import Harness
from tests.browser.looking import accessibility, fits, page_of
from tests.unit.brownout.conftest import STALE, Story

pytestmark = pytest.mark.browser
LONG = "The watermark waits for an event kind that upstream stopped sending, so nothing after it moves. " * 12


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long interview: nine findings with long texts, thirty deploys, every dimension rated twice, notes."""
    story = Story(Harness(state=tmp_path_factory.mktemp("harness")), (STALE,), ai_policy="own").started()
    for n in range(9):
        story.finding(260 + 60 * n, ("ingest", "stale_data") if n == 8 else ("serving", "slow_model"))
        finding = e.Finding(
            finding=100 + n, component="ingest", failure_class="stale_data", certainty="suspicion",
            text=LONG, evidence=LONG, repair=LONG,
        )  # fmt: skip
        story.add(270 + 60 * n, finding, "candidate")
    for n in range(30):
        story.add(900 + 20 * n, e.Change(what="deploy", detail=f"abc{n} {LONG[:200]}"))
    story.add(320, e.Hint(number=1, fault="stuck", text=LONG), "candidate")
    for probe in ("FreshAge", "ServedScorePath"):
        story.probe(1500, probe, "ok").held(1530, probe, since=1500)
    story.add(1600, e.HandOver(text=LONG), "candidate")
    for dimension in rubric.dimensions():
        for rater in ("ann", "bob"):
            story.add(1700, e.Rated(rater=rater, dimension=dimension, score=4, why=LONG), "interviewer")
    for n in range(6):
        story.add(400 + n, e.Note(text=LONG), "interviewer")
    story.add(1750, e.Closed(reason="time is up", watch_seconds=0), "interviewer").add(1751, e.WatchEnded())
    file = tmp_path_factory.mktemp("card") / "scorecard.html"
    file.write_text(render.as_text(document.of(story.facts), "html"))
    return file


@pytest.mark.parametrize(("size", "theme"), [("wide", "dark"), ("narrow", "light")])
def test_it_is_readable_and_fits(chrome: Browser, card: Path, size: str, theme: str) -> None:
    with page_of(chrome, size, theme) as page:
        page.goto(card.as_uri())
        expect(page.locator("#replay")).to_be_visible()

        assert accessibility(page) == []
        assert fits(page)
        assert page.complaints == []  # type: ignore[attr-defined]


def test_the_replay_is_scrubbed_by_keyboard(chrome: Browser, card: Path) -> None:
    with page_of(chrome) as page:
        page.goto(card.as_uri())
        scrub = page.get_by_label("Moment of the interview")
        scrub.focus()
        page.keyboard.press("Home")
        expect(page.locator("#replay-state")).to_contain_text("symptom to be seen")
        expect(page.locator("#replay-state")).to_contain_text("not found yet")
        page.get_by_role("button", name="next").click()
        expect(page.locator("#replay-now")).to_have_text("1:00")
        expect(page.locator("#replay-told .newest")).to_contain_text("serving / slow_model")
        scrub.focus()
        page.keyboard.press("End")
        expect(page.locator("#replay-state")).to_contain_text("symptom not to be seen")
        expect(page.locator("#replay-state")).to_contain_text(re.compile(r"found at \d+:\d\d"))
        expect(page.locator("#replay-state")).to_contain_text(re.compile(r"fixed at \d+:\d\d"))


def test_it_prints_to_two_pages(chrome: Browser, card: Path) -> None:
    with page_of(chrome) as page:
        page.goto(card.as_uri())
        printed = page.pdf(prefer_css_page_size=True)

    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 2


def test_without_its_script_everything_is_still_there(chrome: Browser, card: Path) -> None:
    with page_of(chrome, java_script_enabled=False) as page:
        page.goto(card.as_uri())

        expect(page.locator("#replay")).to_be_hidden()
        expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
