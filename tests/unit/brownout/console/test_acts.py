"""What is done on the console stands in the ledger, as the same verb of `brownout` would write it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from brownout import entries as e

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"
FINDING = {"component": "ingest", "failure_class": "stale_data", "text": "it stands still"}


def test_an_interviewer_conducts_a_whole_interview(browser: Any, story: Any) -> None:
    def post(path: str, **form: Any) -> Any:
        answer = browser.post(f"/interviews/current/{path}", form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    post("pause", reason="fire drill", lost="true")
    post("resume")
    post("findings", **FINDING)
    post("findings/1/verdict", verdict="partial", reason="half")
    post("hints")
    post("notes", text="hm")
    seq = story.facts.notes[0].seq
    post("undo", seq=seq, reason="slip")
    closed = post("close", reason="time is up")
    post("ratings", rater="ann", dimension="repair", score=4, why="careful")
    post("ratings/finish", rater="ann")
    facts = story.facts

    assert closed["go"] == f"/interviews/{story.id}/closing"
    assert (facts.state, facts.lost_seconds > 0, len(facts.hints), facts.notes) == ("closed", True, 1, ())
    assert (facts.findings[0].verdict, facts.findings[0].actor) == ("partial", "interviewer")
    assert facts.raters_finished == ("ann",)
    assert (story.folder / "scorecard.html").exists()


def test_without_a_script_a_post_answers_with_the_page_again(browser: Any) -> None:
    answer = browser.post("/interviews/current/notes", {"text": "hm"}, headers={"Accept": "text/html"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/interviews/20261121-story")


@pytest.mark.parametrize(
    ("path", "form", "code", "says"),
    [
        ("notes", {"text": "   "}, 422, "Text"),
        ("findings", {**FINDING, "component": "ingets"}, 422, "Did you mean ingest"),
        ("findings", {**FINDING, "extra": "1"}, 422, "Extra"),
        ("findings", {**FINDING, "text": "x" * 9000}, 422, "8000"),
        ("findings/9/verdict", {"verdict": "partial", "reason": "r"}, 422, "finding"),
        ("resume", {}, 409, "cannot resume"),
        ("undo", {"seq": "1", "reason": "r"}, 409, "cannot be undone"),
        ("pause", {}, 422, "Reason"),
        ("raters", {"rater": "x" * 81}, 422, "80"),
        ("ratings", {"rater": "a", "dimension": "repare", "score": "3"}, 422, "repair"),
        ("ratings", {"rater": "a", "dimension": "repair", "score": "6"}, 422, "Score"),
        ("ratings/finish", {"rater": "ann"}, 409, "closed"),
    ],
)
def test_refusals_say_why(browser: Any, path: str, form: dict[str, str], code: int, says: str) -> None:
    answer = browser.post(f"/interviews/current/{path}", form)

    assert answer.status_code == code
    assert says in answer.json()["error"]


def test_one_key_takes_the_suggestion_and_its_reason(browser: Any, story: Any) -> None:
    story.finding(300, ("ingest", "stale_data"))

    answer = browser.post("/interviews/current/findings/1/verdict", {"verdict": "confirmed"})

    assert answer.status_code == 200
    assert (story.facts.findings[0].judged_by, story.facts.findings[0].reason) == (
        "interviewer",
        "The pair is in the fault's ground truth.",
    )


def test_who_differs_from_the_suggestion_says_why(browser: Any, story: Any) -> None:
    story.finding(300, ("ingest", "stale_data"))

    answer = browser.post("/interviews/current/findings/1/verdict", {"verdict": "refused"})

    assert (answer.status_code, "Say why" in answer.json()["error"]) == (409, True)
    assert story.facts.findings[0].judged_by == "suggestion"


def test_a_new_interview_is_what_was_wished(browser: Any, jobs: Any) -> None:
    form = {"scenario": "mid-01", "seed": "5", "candidate": " kite ", "ai_policy": "own", "raters": "ann, ben,, ann"}
    answer = browser.post("/interviews", form)
    again = browser.post("/interviews", form)
    wish = jobs.wishes[0]

    assert (answer.json()["go"], again.status_code) == ("/interviews/20261121-story", 409)
    assert (wish.scenario, wish.seed, wish.candidate, wish.ai_policy) == ("mid-01", 5, "kite", "own")
    assert wish.raters == ("ann", "ben")


def test_a_reset_names_a_baseline(browser: Any, jobs: Any) -> None:
    assert browser.post("/reset", {"baseline": "mai"}).status_code == 422
    assert browser.post("/reset", {"baseline": "june"}).status_code == 200
    assert jobs.resets == ["june"]


def test_markup_in_every_free_text_field_is_only_text(browser: Any, second: Any, tell_story: Any, story: Any) -> None:
    (story.harness.interviews / "current").unlink()
    told = tell_story(interview="20261121-other", candidate=MARKUP, raters=(MARKUP,)).started()

    def post(path: str, **form: str) -> None:
        answer = browser.post(f"/interviews/{told.id}/{path}", form)
        assert answer.status_code == 200, answer.text

    post("findings", **{**FINDING, "text": MARKUP, "evidence": MARKUP, "repair": MARKUP})
    post("findings/1/verdict", verdict="partial", reason=MARKUP)
    post("notes", text=MARKUP)
    post("pause", reason=MARKUP)
    told.interview.add("proctor", e.Change(what="deploy", detail=MARKUP, subject=MARKUP))
    told.interview.add("proctor", e.HarnessTrouble(part="world", what=MARKUP))
    pages = [browser.get(f"/interviews/{told.id}{tail}").text for tail in ("", "/shared")]
    post("close", reason=MARKUP)
    post("ratings", rater=MARKUP, dimension="repair", score="3", why=MARKUP)
    second.cookies["rater"] = (
        browser.post(f"/interviews/{told.id}/raters", {"rater": MARKUP}).json()["said"].split("#")[1]
    )
    pages += [browser.get(f"/interviews/{told.id}/{tail}").text for tail in ("live", "closing", "scorecard")]
    pages += [browser.get("/history").text, browser.get("/scenarios").text, second.get("/rate").text]

    for page in pages:
        assert "<script>alert" not in page
        assert not re.search(r"<img[^>]*onerror", page)
        assert "49" not in re.findall(r"&{{7\*7}}|&(49)", unescape(page))
    assert all("<script>alert(1)</script>" in unescape(page) for page in pages[:1])
