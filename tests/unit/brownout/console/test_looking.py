"""What the pages show, and above all what they do not."""

from __future__ import annotations

from typing import Any

import pytest

from brownout import entries as e
from brownout.scorecard import replay

SECRETS = ("stuck", "Fresh features stand still", "FreshAge", "ServedScorePath", "watermark", "confirm", "junior-01")


def test_the_front_page_is_the_interview_under_way_else_the_scenarios(browser: Any, story: Any) -> None:
    during = browser.get("/").headers["location"]
    story.interview.add("interviewer", e.Closed(reason="time"))

    assert (during, browser.get("/").headers["location"]) == (f"/interviews/{story.id}", "/scenarios")


def test_scenarios_tell_level_time_box_and_expected_times(browser: Any) -> None:
    page = browser.get("/scenarios").text

    for told in ("junior-01", "Fresh features stand still", "45 minutes", "found 18", "fixed 28"):
        assert told in page


def test_the_live_page_has_everything(browser: Any, story: Any) -> None:
    story.finding(300, ("ingest", "stale_data"))
    story.add(310, e.Change(what="deploy", detail="abc Fix the watermark"))
    story.add(320, e.Note(text="calm"), "interviewer")
    page = browser.get("/interviews/current").text

    for told in ("Fresh features stand still", "FreshAge says broken", "suggested: confirmed", "Look at the ages."):
        assert told in page
    for told in ("LossAboveBudget", "calm", "abc Fix the watermark", "kestrel"):
        assert told in page


@pytest.mark.parametrize("state", ["ready", "running", "paused", "closed", "abandoned"])
def test_every_state_has_its_page(browser: Any, tell_story: Any, story: Any, state: str) -> None:
    told = tell_story(interview="20261121-state").prepared()
    if state in ("running", "paused", "closed"):
        told.add(200, e.Started(brief="b"), "interviewer")
    if state == "paused":
        told.add(210, e.Paused(reason="drill"), "interviewer")
    if state == "closed":
        told.add(220, e.Closed(reason="time"), "interviewer")
    if state == "abandoned":
        told.add(120, e.Abandoned(reason="it died"), "harness")
    answer = browser.get(f"/interviews/{told.id}")
    shown = browser.get(answer.headers["location"]) if answer.status_code == 303 else answer

    assert shown.status_code == 200
    assert f'data-state="{state}"' in shown.text


def test_what_may_be_shared_names_no_fault_no_verdict_and_no_hint_to_come(browser: Any, story: Any) -> None:
    story.finding(300, ("ingest", "stale_data"))
    story.probe(310, "FreshAge", "ok")
    browser.post("/interviews/current/findings/1/verdict", {"verdict": "confirmed", "reason": "exactly that"})
    browser.post("/interviews/current/hints")
    page = browser.get("/interviews/current/shared").text

    assert [secret for secret in (*SECRETS, "exactly that", "Compare two views") if secret in page] == []
    for told in ("ingest", "because of this", "Look at the ages.", "LossAboveBudget"):
        assert told in page


def test_the_second_rater_sees_neither_the_machine_nor_the_first(browser: Any, second: Any, story: Any) -> None:
    story.finding(300, ("ingest", "stale_data"))
    browser.post("/interviews/current/findings/1/verdict", {"verdict": "partial", "reason": "nearly"})
    browser.post("/interviews/current/notes", {"text": "a private thought"})
    browser.post("/interviews/current/close")
    browser.post("/interviews/current/ratings", {"rater": "ann", "dimension": "repair", "score": "5", "why": "great"})
    before = second.get("/rate").text
    second.post("/rate", {"dimension": "repair", "score": "2", "why": "rushed"})
    second.post("/rate/finish")
    waiting = second.get("/rate").text
    browser.post("/interviews/current/ratings/finish", {"rater": "ann"})
    after = second.get("/rate").text

    hidden = (*SECRETS, "a private thought", "nearly", "great", "kestrel")
    assert [secret for secret in hidden if secret in before.replace("confirmed", "")] == []
    assert "because of this" in before
    assert ("Agreement" in waiting, "ann is done" in waiting) == (False, True)
    assert ("Agreement" in after, "0 of 1 ratings are equal" in after) == (True, True)


def test_a_rater_who_is_done_stays_done(browser: Any, second: Any) -> None:
    browser.post("/interviews/current/close")
    second.post("/rate", {"dimension": "repair", "score": "2"})
    second.post("/rate/finish")

    assert second.post("/rate", {"dimension": "repair", "score": "5"}).status_code == 409


def test_a_rater_rates_as_nobody_else(browser: Any, second: Any, story: Any) -> None:
    browser.post("/interviews/current/close")

    second.post("/rate", {"dimension": "repair", "score": "2", "rater": "ann"})

    assert [rating.rater for rating in story.facts.ratings] == ["ben"]


def test_ratings_come_before_the_machines_facts(browser: Any, story: Any) -> None:
    story.held(300, "FreshAge", 290)
    browser.post("/interviews/current/close")
    page = browser.get("/interviews/current/closing").text

    assert "Open the scorecard" not in page
    assert "Mitigated" not in page.replace("Mitigated first where", "").replace("Mitigated, and took", "")
    browser.post("/interviews/current/ratings", {"rater": "interviewer", "dimension": "repair", "score": "3"})
    browser.post("/interviews/current/ratings/finish", {"rater": "interviewer"})
    assert "Open the scorecard" in browser.get("/interviews/current/closing").text


def test_the_scorecard_may_style_itself_and_run_its_replay_alone(browser: Any) -> None:
    answer = browser.get("/interviews/current/scorecard")

    assert answer.headers["content-security-policy"] == replay.policy()
    assert f"<script>{replay.script()}</script>" in answer.text


def test_a_ledger_that_cannot_be_read_does_not_hide_the_others(browser: Any, tell_story: Any, story: Any) -> None:
    damaged = tell_story(interview="20261121-damaged")
    damaged.ledger.path.write_bytes(b"not a database at all" * 300)

    page = browser.get("/history")

    assert (page.status_code, story.id in page.text, "20261121-damaged" in page.text) == (200, True, True)


def test_a_plot_has_the_ledgers_points_prometheus_ones_and_what_happened(browser: Any, story: Any) -> None:
    story.add(
        52,
        e.ProbeChanged(
            fault="stuck", probe="FreshAge", role="symptom", status="broken", why="old", measured={"age_minutes": 96.0}
        ),
    )
    story.add(310, e.Change(what="deploy", detail="abc Fix"))
    told = browser.get("/interviews/current/plots/stuck-FreshAge-age-minutes").json()

    assert [value for _, value in told["series"][0]["points"]] == [96.0, 12.5]
    assert [mark["letter"] for mark in told["marks"]] == ["Onset", "Start", "Deploy"]
    assert told["unit"] == "min"
