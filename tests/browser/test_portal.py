"""The portal in a browser: what is read, stated, asked and left; by keyboard, narrow, dark, disconnected."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from brownout import entries as e
from brownout.ledger import Ledger
from brownout.portal import stack_map
from brownout.proctor.app import create_app
from brownout.settings import Harness
from tests.browser.looking import Server, accessibility, fits, page_of, serving

pytestmark = pytest.mark.browser

BRIEF = """Page from on-call, Mon 06 May 2013 22:37 New York.

The delay desk at EWR noticed that our scores "do not follow the day any more" since about Mon 06 May 2013 20:10.

What it costs: passengers are told too late.

Find out what is wrong and why, say so as a finding, and put it right."""
MARKUP = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
MAP = stack_map.StackMap.model_validate(
    {
        "firing": 1,
        "parts": [
            {"id": name, "title": name.title(), "state": state, "why": why, "facts": facts}
            for name, state, why, facts in [
                ("upstream", "ok", "as usual", [{"label": "events", "value": 4.0, "unit": "per_second"}]),
                ("ingest", "ok", "as usual", []),
                ("online_store", "bad", MARKUP, [
                    {"label": "fresh", "value": 9000.0, "unit": "seconds", "usual": [0, 1200], "outside": True}
                ]),
                ("serving", "warn", "unusual: p99", []),
                ("answers", "unknown", "no figures", []),
            ]
        ],
    }
)  # fmt: skip


class Stage:
    """One running interview behind a proctor; entries are added as its harness would."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.id = "20261121-story"
        folder = harness.interviews / self.id
        folder.mkdir(parents=True)
        self.ledger = Ledger.create(folder / "ledger.db")
        (harness.interviews / "current").write_text(self.id)
        fault = e.FaultRecord(
            fault="secret_fault",
            layer="features",
            title="Secret title",
            symptom_probes=("SecretProbe",),
            root_cause_probes=("SecretCause",),
            answers=(e.AnswerKey(component="ingest", failure_class="stale_data", verdict="confirmed", why="secret"),),
            hints=("Look at the ages.", "Second secret hint."),
            confirm_when="secret confirm",
            causal_chain=("secret chain",),
        )
        created = e.Created(
            interview=self.id, scenario="junior-01", title="Secret scenario", level="junior", seed=4711,
            candidate="kestrel", ai_policy="own", baseline="may", time_box_minutes=45, faults=(fault,),
        )  # fmt: skip
        now = time.time()
        self.add(created, "harness", now - 400)
        self.add(e.Injected(fault="secret_fault", what="secret injection"), "harness", now - 390)
        self.add(e.SymptomObserved(fault="secret_fault", probe="SecretProbe", why="secret sight"), "proctor", now - 380)
        ready = e.Ready(brief=BRIEF, onset_wall=now - 390, onset_world=1_367_838_000, seconds=20)
        self.add(ready, "harness", now - 370)
        self.add(e.Started(brief=BRIEF), "interviewer", now - 300)

    def add(self, payload: e.Payload, actor: e.Actor = "interviewer", wall: float | None = None) -> None:
        self.ledger.append(actor, payload, world=1_367_860_000.0, wall=wall or time.time())

    def of_kind(self, kind: type[e.Payload]) -> list[Any]:
        return [entry.payload for entry in self.ledger.entries() if isinstance(entry.payload, kind)]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(Harness(state=tmp_path / "harness"))


@pytest.fixture
def server(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(stack_map, "look", lambda _: MAP)

    def nothing_moves() -> Any:
        raise AssertionError("the portal moves no stack")

    with serving(create_app(stage.harness, "the-interviewers-token", nothing_moves)) as found:
        yield found


Open = Callable[..., Page]


@pytest.fixture
def portal(chrome: Browser, server: Server, stage: Stage) -> Iterator[Open]:
    """Opens the portal as the one port's proxy does: with the code in a header."""
    code = _code(stage)
    contexts = []

    def opened(size: str = "wide", theme: str = "light") -> Page:
        context = page_of(chrome, size, theme, extra_http_headers={"Authorization": f"Bearer {code}"})
        contexts.append(context)
        page = context.__enter__()
        page.goto(f"{server.url}/portal/")
        expect(page.locator("#connection")).to_have_text("Connected")
        expect(page.locator(".part")).to_have_count(5)
        return page

    yield opened
    for context in contexts:
        context.__exit__(None, None, None)


def _box(place: Locator) -> Any:
    return place.bounding_box()


def _code(stage: Stage) -> str:
    from brownout.interview import Interview

    return Interview(stage.harness, stage.id).grant_access().code


@pytest.mark.parametrize(("size", "theme"), [("wide", "light"), ("narrow", "dark")])
def test_everything_is_there_readable_and_fits(portal: Open, stage: Stage, size: str, theme: str) -> None:
    stage.add(e.Finding(finding=1, component="ingest", failure_class="stale_data", certainty="suspicion", text=MARKUP))
    stage.add(e.Hint(number=1, fault="secret_fault", text="Look at the ages."))
    stage.add(e.HandOver(text="Watch the ages."), "candidate")
    page = portal(size, theme)

    expect(page.locator("h1")).to_have_text("Page from on-call, Mon 06 May 2013 22:37 New York")
    expect(page.locator("#left")).to_have_text(re.compile(r"^(39|40):\d\d$"))
    expect(page.locator("header")).to_contain_text("30 seconds here are one hour there")
    expect(page.locator("#stated")).to_contain_text("<script>")
    expect(page.locator("#left-behind")).to_contain_text("Watch the ages.")
    assert len({(box["x"], box["y"]) for box in map(_box, page.locator(".part").all())}) == 5
    assert accessibility(page) == []
    assert fits(page)
    assert page.complaints == []  # type: ignore[attr-defined]
    assert page.title() == "On call"


def test_nothing_on_it_tells(portal: Open, server: Server, stage: Stage) -> None:
    stage.add(e.Verdict(finding=1, verdict="confirmed", fault="secret_fault", reason="secret reason"))
    stage.add(e.Note(text="secret note"))
    page = portal()
    told = page.content() + page.request.get(f"{server.url}/candidate/text/everything").text()

    for word in ("secret", "Secret", "junior-01", "4711", "kestrel", "confirmed"):
        assert word not in told


def test_a_finding_is_stated_by_keyboard_alone_and_its_draft_survives_a_reload(portal: Open, stage: Stage) -> None:
    page = portal()
    page.locator("input[value=conclusion]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("ingest")
    page.keyboard.press("Tab")
    page.keyboard.type("stale")
    page.keyboard.press("Tab")
    page.keyboard.type(MARKUP)
    expect(page.locator("#draft-words")).to_have_text("Draft kept in this browser.")
    page.reload()
    expect(page.locator("#text")).to_have_value(MARKUP)
    expect(page.locator("#component")).to_have_value("ingest")
    expect(page.locator("input[value=conclusion]")).to_be_checked()
    page.locator("#repair").focus()
    page.keyboard.type("put it right")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#finding-answer")).to_have_text("Written down as number 1.")

    (stated,) = stage.of_kind(e.Finding)
    assert (stated.component, stated.failure_class, stated.certainty) == ("ingest", "stale_data", "conclusion")
    assert (stated.text, stated.repair) == (MARKUP, "put it right")
    expect(page.locator("#stated")).to_contain_text(MARKUP)
    expect(page.locator("#text")).to_have_value("")
    assert page.title() == "On call"


def test_nothing_is_broken_is_one_statement(portal: Open) -> None:
    page = portal()
    page.select_option("#component", "none")

    expect(page.locator("#failure_class")).to_have_value("nothing_is_broken")
    page.select_option("#failure_class", "stale_data")
    expect(page.locator("#component")).to_have_value("")


def test_a_hint_is_taken_only_when_its_cost_was_said(portal: Open, stage: Stage) -> None:
    page = portal()
    page.get_by_role("button", name="Ask for a hint").click()
    expect(page.get_by_role("dialog")).to_contain_text("stands on the scorecard")
    page.keyboard.press("Escape")
    assert stage.of_kind(e.Hint) == []
    page.get_by_role("button", name="Ask for a hint").click()
    assert accessibility(page) == []
    page.get_by_role("button", name="Take the hint").click()
    expect(page.locator("#given")).to_contain_text("Look at the ages.")

    assert [hint.text for hint in stage.of_kind(e.Hint)] == ["Look at the ages."]


def look_again(page: Page) -> None:
    """As when its tab is shown again: it asks at once instead of in some seconds."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_what_happens_elsewhere_appears(portal: Open, stage: Stage) -> None:
    page = portal()
    stage.add(e.Hint(number=1, fault="secret_fault", text="Given by the interviewer."))
    stage.add(e.Paused(reason="secret reason"))
    look_again(page)
    expect(page.locator("#banner")).to_contain_text("Paused")
    expect(page.locator("#given")).to_contain_text("Given by the interviewer.")
    stage.add(e.Resumed())
    look_again(page)
    expect(page.locator("#banner")).to_be_hidden()
    page.fill("#text", "half a thought")
    stage.add(e.Closed(reason="secret reason"))
    look_again(page)
    expect(page.locator("#banner")).to_contain_text("over")
    expect(page.get_by_role("button", name="State it")).to_be_disabled()
    expect(page.locator("#text")).to_have_value("half a thought")


def test_a_lost_proctor_is_said_and_nothing_written_is_lost(portal: Open, server: Server, stage: Stage) -> None:
    page = portal()
    page.fill("#note", "the last word")
    server.stop()
    page.get_by_role("button", name="Leave it").click()
    expect(page.locator("#note-answer")).to_contain_text("Not sent")
    expect(page.locator("#connection")).to_contain_text("Disconnected, last heard")
    server.start()
    look_again(page)
    expect(page.locator("#connection")).to_have_text("Connected")
    page.get_by_role("button", name="Leave it").click()
    expect(page.locator("#left-behind")).to_contain_text("the last word")

    assert [note.text for note in stage.of_kind(e.HandOver)] == ["the last word"]


def test_the_door_takes_the_code_and_keeps_it_from_scripts(chrome: Browser, server: Server, stage: Stage) -> None:
    code = _code(stage)
    with page_of(chrome) as page:
        page.goto(f"{server.url}/portal/")
        assert accessibility(page) == []
        page.get_by_label("Code").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("does not open")
        page.get_by_label("Code").fill(code)
        page.keyboard.press("Enter")
        expect(page.locator("#connection")).to_have_text("Connected")
        (cookie,) = page.context.cookies()

        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert page.evaluate("document.cookie") == ""
        page.fill("#text", "by cookie")
        page.select_option("#component", "serving")
        page.select_option("#failure_class", "slow_model")
        page.get_by_role("button", name="State it").click()
        expect(page.locator("#stated")).to_contain_text("by cookie")


def test_another_site_s_page_cannot_write(chrome: Browser, server: Server, stage: Stage) -> None:
    code = _code(stage)
    with page_of(chrome, extra_http_headers={"Authorization": f"Bearer {code}"}) as page:
        page.route("http://elsewhere.test/", lambda route: route.fulfill(content_type="text/html", body=ELSEWHERE))
        page.goto("http://elsewhere.test/")
        with page.expect_response(re.compile("/candidate/hints")) as answer:
            page.evaluate(f"send('{server.url}/candidate/hints')")

        assert answer.value.status == 403
        assert stage.of_kind(e.Hint) == []


ELSEWHERE = """<form method=post id=f></form><script>function send(to){f.action=to;f.submit()}</script>"""
