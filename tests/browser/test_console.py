"""An interviewer conducts an interview in a browser, in the order of these tests, on one played proctor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from brownout import entries as e
from tests.browser.driver import Played, axe, overflow
from tests.browser.line import browser_on_a_line

Visit = Callable[..., Page]
SEEN = "Named a figure before touching anything."
SAID = "Since this morning the airlines send hours where minutes were agreed."


def tab_to(page: Page, wanted: Locator) -> None:
    """Presses Tab until `wanted` has the focus, from wherever it is now."""
    for _ in range(150):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(wanted).to_be_focused()


def preparing(visit: Visit, scenario: str = "mid-01") -> Page:
    page = visit("/scenarios")
    page.get_by_role("link", name=f"Prepare {scenario}").click()
    page.get_by_label("The candidate's alias").fill("kestrel")
    page.get_by_label("Raters").fill("ann, ben")
    page.get_by_role("button", name="Prepare").click()
    return page


def test_a_wrong_token_is_told_and_the_right_one_opens(visit: Visit, played: Played) -> None:
    page = visit("/enter", enter=False)
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    page.get_by_label("Token").fill("played-token")
    page.keyboard.press("Enter")
    page.wait_for_url("**/scenarios")

    assert page.evaluate("document.cookie") == ""
    assert "played-token" not in page.url


def test_from_scenario_to_start_with_real_progress(visit: Visit, played: Played) -> None:
    with played.held():
        page = preparing(visit)
        expect(page.locator(".steps li[aria-current=step]")).to_contain_text("Fault injected")
        expect(page.locator(".steps li.done")).to_have_count(5)
        assert (axe(page), overflow(page)) == ([], 0)
        narrow = visit("/interviews/current", width=390, scheme="dark")
        assert (axe(narrow), overflow(narrow)) == ([], 0)

    start = page.get_by_role("button", name="Start the interview")
    expect(start).to_be_visible()
    expect(narrow.locator("h1")).to_have_text("Ready to start")
    expect(page.locator(".steps li.done")).to_have_count(8)
    assert [(axe(one), overflow(one)) for one in (page, narrow)] == [([], 0), ([], 0)]
    assert played.interview.created.raters == ("ann", "ben")
    start.click()
    expect(page.locator("#clock")).to_contain_text("running")


def test_what_the_ledger_gets_is_painted_without_a_reload(visit: Visit, played: Played) -> None:
    page = visit()
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate("window.same = true")
    played.interview.add("proctor", e.Change(what="deploy", detail="abc Serving: put minutes back"))

    expect(page.locator("#changes")).to_contain_text("Serving: put minutes back")
    assert page.evaluate("window.same") is True


def test_what_is_being_typed_survives_what_happens(visit: Visit, played: Played) -> None:
    page = visit()
    page.get_by_label("Note", exact=True).fill("half a tho")
    page.get_by_label("Note", exact=True).press("End")
    played.interview.state_finding("candidate", "upstream", "unit_or_schema_change", SAID, evidence="the contract")

    expect(page.locator("article.waits")).to_have_count(1)
    expect(page.get_by_label("Note", exact=True)).to_be_focused()
    page.keyboard.type("ught")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notes")).to_contain_text("half a thought")
    expect(page.get_by_label("Note", exact=True)).to_have_value("")


def test_one_key_confirms_and_undo_takes_it_back(visit: Visit, played: Played) -> None:
    page = visit()
    finding = page.locator("article", has_text=SAID)
    expect(finding).to_contain_text("confirm when")
    page.keyboard.press("f")
    expect(finding).to_be_focused()
    page.keyboard.press("c")
    expect(finding.locator("header")).not_to_contain_text("suggested")
    expect(page.locator(".moments li.yes.ours")).to_contain_text("Found")
    finding.get_by_text("Undo the verdict").first.click()
    finding.get_by_role("button", name="Undo the verdict").click()

    expect(finding.locator("header")).to_contain_text("suggested")
    kinds = [entry.kind for entry in played.interview.ledger.entries()]
    assert kinds[-2:] == ["verdict", "undone"]


def test_another_verdict_than_the_suggested_one_asks_why(visit: Visit, played: Played) -> None:
    page = visit()
    page.keyboard.press("p")
    expect(page.locator("form.verdict .said")).to_contain_text("Say why")
    expect(page.get_by_label(re.compile("^Why, when"))).to_be_focused()
    page.keyboard.type("The place is right, the mechanism is not.")
    page.locator("form.verdict button[value=partial]").click()

    expect(page.locator("article header").first).to_contain_text("partly confirmed")


def test_a_spoken_finding_a_hint_and_a_pause_by_keyboard_alone(visit: Visit, played: Played) -> None:
    page = visit()
    page.keyboard.press("s")
    expect(page.get_by_label("Component")).to_be_focused()
    page.keyboard.type("serving")
    page.keyboard.press("Tab")
    page.keyboard.type("slow")
    page.keyboard.press("Tab")
    page.keyboard.type("Perhaps the model is too large?")
    page.get_by_label("suspicion").check()
    page.get_by_role("button", name="Record it").press("Enter")
    expect(page.locator("article", has_text="Perhaps the model")).to_contain_text("never counted against")
    page.get_by_role("button", name="Give this hint").press("Enter")
    expect(page.locator("#hints")).to_contain_text("1 of 3 given")
    page.get_by_role("button", name="Pause…").press("Enter")
    page.keyboard.type("fire drill")
    page.keyboard.press("Enter")
    expect(page.locator("#clock")).to_contain_text("stand still")
    expect(page.locator("#clock")).to_contain_text("fire drill")
    page.get_by_role("button", name="Resume").press("Enter")
    expect(page.locator("#clock")).to_contain_text("running")

    assert [f.component for f in played.interview.facts().findings] == ["upstream", "serving"]


def test_shortcuts_can_be_switched_off(visit: Visit, played: Played) -> None:
    page = visit()
    page.get_by_role("button", name=re.compile("shortcuts are on")).click()
    expect(page.get_by_role("button", name=re.compile("shortcuts are off"))).to_be_visible()
    page.goto(f"{played.url}/")
    expect(page.locator("#clock")).to_be_visible()
    page.keyboard.press("n")

    expect(page.get_by_label("Note", exact=True)).not_to_be_focused()


def test_a_plot_has_a_table_behind_it(visit: Visit, played: Played) -> None:
    page = visit()
    plot = page.locator("figure.plot").first
    expect(plot.locator("canvas")).to_be_visible()
    plot.locator("summary").click()

    expect(plot.locator("tbody tr").nth(3)).to_be_visible()
    expect(plot.locator("tbody")).to_contain_text("Onset: ")
    expect(plot.locator("tbody")).to_contain_text("Deploy: abc")


def test_a_reload_loses_nothing(visit: Visit, played: Played) -> None:
    page = visit()
    expect(page.locator("#link")).to_have_text("Live")
    before = page.locator("#findings").inner_text()
    page.reload()

    expect(page.locator("#findings")).to_have_text(before, use_inner_text=True)


def test_a_lost_connection_is_told_and_repairs_itself(visit: Visit, chrome: Browser, played: Played) -> None:
    with browser_on_a_line(chrome.browser_type, played.url) as (browser, line):
        page = visit(browser=browser)
        expect(page.locator("#link")).to_have_text("Live")
        line.cut()
        expect(page.locator("#link")).to_contain_text("Disconnected, last event")
        played.interview.note("while nobody listened")
        line.mend()

        expect(page.locator("#link")).to_have_text("Live")
        expect(page.locator("#notes")).to_contain_text("while nobody listened")


def test_a_killed_proctor_loses_nothing_and_the_page_repairs_itself(visit: Visit, played: Played) -> None:
    page = visit()
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate("window.same = true")
    head = played.interview.ledger.head()
    played.kill()
    expect(page.locator("#link")).to_contain_text("Disconnected, last event")
    page.get_by_label("Note", exact=True).fill("written in the dark")
    page.get_by_role("button", name="Note it").click()
    expect(page.locator("form", has=page.get_by_label("Note", exact=True)).locator(".said")).to_contain_text(
        "does not answer"
    )
    assert played.interview.ledger.head() == head
    played.start()
    expect(page.locator("#link")).to_have_text("Live")
    page.get_by_role("button", name="Note it").click()

    expect(page.locator("#notes")).to_contain_text("written in the dark")
    assert page.evaluate("window.same") is True


def test_what_may_be_shared_names_nothing(visit: Visit, played: Played) -> None:
    page = visit()
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name="Findings as stated")).to_be_visible()
    facts = played.interview.facts()
    shown = page.content()

    for secret in (facts.title, facts.faults[0].fault, facts.scenario, "partly", "ServedScorePath", "half a thought"):
        assert secret not in shown
    assert SAID in shown


LIVE_PAGES = ["/interviews/current", "/interviews/current/shared", "/scenarios", "/scenarios/mid-02", "/history"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_while_it_runs(visit: Visit, played: Played, width: int, scheme: str) -> None:
    page = visit("/scenarios", width=width, scheme=scheme)

    for path in LIVE_PAGES:
        page.goto(f"{played.url}{path}")
        expect(page.locator("h1")).to_have_count(1)
        assert (path, axe(page), overflow(page)) == (path, [], 0)


def test_ratings_first_then_agreement_then_the_scorecard(visit: Visit, chrome: Any, played: Played) -> None:
    page = visit()
    page.get_by_role("button", name="Close…").click()
    page.get_by_role("button", name="Close the interview").click()
    page.wait_for_url("**/closing")
    expect(page.get_by_role("link", name="Open the scorecard")).to_have_count(0)
    page.locator("#rate-detection label.anchor").nth(3).click()
    expect(page.locator("#rate-detection .said")).to_contain_text("Saved")
    page.get_by_label("Their name").fill("ben")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_label("Give them this link")).to_have_value(re.compile("/rate/enter#"))
    other = visit(page.get_by_label("Give them this link").input_value().removeprefix(played.url), enter=False)
    other.wait_for_url("**/rate")
    tab_to(other, other.locator("#rate-detection input[type=radio]").first)
    for key in ("Space", "ArrowRight", "ArrowRight"):
        other.keyboard.press(key)
    expect(other.locator("#rate-detection input[type=radio]").nth(2)).to_be_checked()
    expect(other.locator("#rate-detection .said")).to_contain_text("Saved")
    tab_to(other, other.locator("#why-detection"))
    other.keyboard.type(SEEN)
    other.keyboard.press("Enter")
    assert (axe(other), axe(page)) == ([], [])
    tab_to(other, other.get_by_role("button", name="I am done rating"))
    other.keyboard.press("Enter")
    expect(other.locator("main")).to_contain_text("Thank you")
    page.get_by_role("button", name="I am done rating").click()

    expect(page.locator("#agreement")).to_contain_text("0 of 1 ratings are equal, 1 at most one apart")
    expect(other.locator("main")).to_contain_text("0 of 1 ratings are equal")
    expect(page.get_by_role("link", name="Open the scorecard")).to_be_visible()
    facts = played.interview.facts()
    assert facts.raters_finished == ("ben", "ann")
    assert {(r.rater, r.score, r.why) for r in facts.ratings} == {("ann", 4, ""), ("ben", 3, SEEN)}


def test_the_scorecard_can_be_replayed_in_the_console(visit: Visit, played: Played) -> None:
    page = visit("/interviews/current/scorecard")
    expect(page.locator("#replay")).to_be_visible()
    page.locator("#replay-at").press("End")

    expect(page.locator("#replay-told li.newest")).to_contain_text("Closed")


def test_history_is_read_by_keyboard_alone(visit: Visit, played: Played) -> None:
    page = visit("/history")
    tab_to(page, page.locator("details summary").first)
    page.keyboard.press("Enter")
    expect(page.locator("details table").first).to_be_visible()
    tab_to(page, page.get_by_role("link", name=played.interview.id))
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/interviews/{played.interview.id}**")
    expect(page.locator("h1")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_after_the_close(visit: Visit, played: Played, width: int, scheme: str) -> None:
    page = visit("/history", width=width, scheme=scheme)

    for path in ("/history", "/interviews/current/closing", "/interviews/current/live", "/nothing"):
        page.goto(f"{played.url}{path}")
        assert (path, axe(page), overflow(page)) == (path, [], 0)


def test_the_door_is_for_everyone(visit: Visit) -> None:
    for path in ("/enter", "/rate/enter"):
        assert axe(visit(path, width=390, scheme="dark", enter=False)) == []
