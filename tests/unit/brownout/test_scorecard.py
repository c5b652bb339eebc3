from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from brownout import entries as e
from brownout import rubric
from brownout.errors import ScorecardError
from brownout.scorecard import document, render, replay
from brownout.scorecard.strip import strip
from brownout.scorecard.verify import verify
from brownout.settings import ROOT
from ontime.errors import UnknownNameError

Tell = Callable[..., Any]
PUBLISHED = ROOT / "interview" / "guide" / "scorecard.schema.json"
EVIL = """<script>alert('x')</script> | **bold** [link](javascript:alert(1)) "quoted" {{ 7*7 }} --> `code`"""


@pytest.fixture
def story(tell_story: Tell) -> Any:
    """An interview with something of every kind, and markup in every free text."""
    story = tell_story(candidate=EVIL).started().finding(300, ("ingest", "stale_data"))
    story.add(310, e.Verdict(finding=1, verdict="confirmed", fault="stuck", reason=EVIL), "interviewer")
    finding = e.Finding(
        finding=2,
        component="serving",
        failure_class="slow_model",
        certainty="suspicion",
        text=EVIL,
        evidence=EVIL,
        repair=EVIL,
    )
    story.add(320, finding, "candidate")
    story.add(330, e.Hint(number=1, fault="stuck", text="Look at the ages."), "candidate")
    story.add(340, e.Note(text=EVIL), "interviewer")
    story.add(350, e.Paused(reason=EVIL), "interviewer").add(380, e.Resumed(), "interviewer")
    story.add(390, e.Change(what="deploy", detail=EVIL))
    for probe in ("FreshAge", "ServedScorePath"):
        story.probe(400, probe, "ok", why=EVIL).held(430, probe, since=400)
    story.add(500, e.HarnessTrouble(part="world", what=EVIL))
    story.add(600, e.Rated(rater=EVIL[:40], dimension="repair", score=4, why=EVIL), "interviewer")
    return story.add(700, e.Closed(reason=EVIL, watch_seconds=0), "interviewer").add(701, e.WatchEnded())


class Tags(HTMLParser):
    """Collects tags and attributes, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def card_of(story: Any) -> document.Scorecard:
    return document.of(story.facts)


def test_free_text_is_text_in_html(story: Any) -> None:
    text = render.as_text(card_of(story), "html")
    seen = Tags(text)

    assert seen.tags.count("script") == 2
    assert "<script>alert" not in text
    assert "a" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in text
    assert text.count("&lt;script&gt;") >= 8


def test_the_html_fetches_nothing(story: Any) -> None:
    seen = Tags(render.as_text(card_of(story), "html"))

    assert not [(n, v) for n, v in seen.attributes if n in ("src", "href", "srcset", "action", "data")]
    assert "link" not in seen.tags
    assert "@import" not in render.as_text(card_of(story), "html")
    assert "url(" not in render.as_text(card_of(story), "html")


def test_free_text_is_text_in_markdown(story: Any) -> None:
    text = render.as_text(card_of(story), "md")

    assert "<script>" not in text
    assert "**bold**" not in text
    assert "[link](" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {3, 5, 7}


def test_the_json_is_of_its_published_schema(story: Any) -> None:
    text = render.as_text(card_of(story), "json")

    assert document.Scorecard.model_validate_json(text) == card_of(story)
    assert json.loads(text).keys() == document.schema()["properties"].keys()  # type: ignore[attr-defined]


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == document.schema()


def test_the_hand_over_is_on_each_form(story: Any) -> None:
    story.add(650, e.HandOver(text=EVIL), "candidate")

    for form in render.FORMS:
        assert "alert" in render.as_text(card_of(story), form).split("Hand-over" if form != "json" else "hand_over")[1]


def test_only_the_replay_s_own_script_may_run(story: Any) -> None:
    text = render.as_text(card_of(story), "html")
    digest = base64.b64encode(hashlib.sha256(text.split("<script>")[1].split("</script>")[0].encode()).digest())

    assert f"'sha256-{digest.decode()}'" in html.unescape(text)
    assert "connect-src" not in text
    assert "default-src 'none'" in html.unescape(text)


def test_the_replay_has_what_happened_and_when(story: Any) -> None:
    card = card_of(story)
    drawn = strip(card)
    assert drawn is not None
    told = json.loads(replay.data(card, drawn))

    assert told["symptom"] == [[0.0, "bad"], [170.0, "good"]]
    assert [item["kind"] for item in told["items"]][-1] == "closed"
    assert {item["t"] for item in told["items"] if item["kind"] == "finding"} == {100.0, 120.0}
    assert told["faults"][0]["found"] == 100.0
    assert "<" not in replay.data(card, drawn)


def test_machine_facts_and_human_ratings_are_apart(story: Any) -> None:
    told = json.loads(render.as_text(card_of(story), "json"))

    assert told["human"]["ratings"][0]["score"] == 4
    assert told["human"]["ratings"][0]["anchor"] == rubric.load().dimensions["repair"].anchors[4]
    assert "score" not in json.dumps(told["machine"]["faults"])


def test_the_same_ledger_gives_the_same_text(story: Any) -> None:
    for form in render.FORMS:
        assert render.as_text(card_of(story), form) == render.as_text(card_of(story), form)


@pytest.mark.parametrize("form", render.FORMS)
def test_a_written_scorecard_agrees_with_its_ledger(story: Any, form: render.Form, tmp_path: Path) -> None:
    files = render.write(story.interview)
    story.add(800, e.Note(text="later entries do not matter"), "interviewer")
    elsewhere = Path(shutil.copy(files[form], tmp_path / f"card.{form}"))

    assert verify(elsewhere, story.harness).ok


@pytest.mark.parametrize("form", render.FORMS)
def test_an_edited_scorecard_does_not_agree(story: Any, form: render.Form) -> None:
    file = render.write(story.interview)[form]
    file.write_text(file.read_text().replace("confirmed", "refused", 1))

    checked = verify(file, story.harness)

    assert not checked.ok
    assert "the ledger" in checked.differences[0]


def test_an_edited_ledger_does_not_agree(story: Any) -> None:
    file = render.write(story.interview)["json"]
    with closing(sqlite3.connect(story.ledger.path, isolation_level=None)) as db:
        db.execute("DROP TRIGGER entries_never_change")
        db.execute("UPDATE entries SET payload = replace(payload, 'Look', 'Stare') WHERE kind = 'hint'")

    checked = verify(file, story.harness)

    assert any("another content" in difference for difference in checked.differences)
    assert any("whole entries" in difference for difference in checked.differences)


def test_a_shortened_ledger_does_not_agree(story: Any) -> None:
    file = render.write(story.interview)["json"]
    with closing(sqlite3.connect(story.ledger.path, isolation_level=None)) as db:
        db.execute("DROP TRIGGER entries_never_go")
        db.execute("DELETE FROM entries WHERE seq > 10")

    assert any("has 10 whole entries" in difference for difference in verify(file, story.harness).differences)


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "{}"), ("a.json", "no json"), ("a.html", "<p>hi"), ("a.md", "#")]
)
def test_what_is_no_scorecard_is_refused(story: Any, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(ScorecardError, match="is not a scorecard"):
        verify(tmp_path / name, story.harness)


def test_a_missing_file_and_a_missing_ledger_are_named(story: Any, tmp_path: Path) -> None:
    with pytest.raises(ScorecardError, match="There is no file"):
        verify(tmp_path / "none.json", story.harness)
    file = render.write(story.interview)["json"]
    shutil.copy(file, tmp_path / "kept.json")
    shutil.rmtree(story.folder)
    with pytest.raises(UnknownNameError, match=story.id):
        verify(tmp_path / "kept.json", story.harness)


@pytest.fixture
def meddled(tell_story: Tell, control: e.FaultRecord) -> Any:
    """A control whose candidate broke one guard for good and one for a while, and looked at two sources."""
    story = tell_story(faults=(control,)).started()
    story.finding(300, ("none", "nothing_is_broken"), evidence="parity is zero")
    for second in (310, 320, 400):
        story.add(second, e.Consulted(source="mlflow", what="its pages were opened"))
    story.add(330, e.Consulted(source="git", what="the workspace's history was read"))
    story.add(390, e.Change(what="deploy", detail="abc Fresh features hourly"))
    story.probe(420, "ServedScorePath", "broken", fault="well", why="120 of 200 differ")
    story.probe(430, "AlertsHeard", "broken", fault="well", why="silenced").probe(
        460, "AlertsHeard", "ok", fault="well"
    )
    return story.add(700, e.Closed(reason="time", watch_seconds=0), "interviewer").add(701, e.WatchEnded())


@pytest.mark.parametrize("form", ["html", "md"])
def test_a_control_is_told_what_was_made_worse_and_when(meddled: Any, form: render.Form) -> None:
    text = render.as_text(card_of(meddled), form).replace("\\", "")

    for said in ("ServedScorePath", "120 of 200 differ", "deploy abc Fresh features hourly", "3:40", "4:20"):
        assert said in text
    assert "Left so" in text or "left so" in text
    assert "Mitigated</span>" not in text


def test_what_was_looked_at_stands_with_its_times(meddled: Any) -> None:
    card = card_of(meddled)
    picture = strip(card)
    text = render.as_text(card, "html")

    assert card.machine.evidence_counts == {"mlflow": 3, "git": 1}
    assert "1:50, 2:00, 3:20" in text
    assert picture is not None
    lanes = {lane.name: [mark.letter for mark in lane.marks] for lane in picture.lanes}
    assert lanes["Looked at"] == ["M", "G", "M"]
    assert lanes["Made worse"] == ["!", "!"]


def test_the_json_tells_harms_apart(meddled: Any) -> None:
    (fault,) = json.loads(render.as_text(card_of(meddled), "json"))["machine"]["faults"]

    assert [(harm["probe"], harm["healed"] is None) for harm in fault["harms"]] == [
        ("ServedScorePath", True),
        ("AlertsHeard", False),
    ]
    assert (fault["control"], fault["done"], fault["found"] is not None) == (True, None, True)


def test_marks_never_cover_each_other(story: Any) -> None:
    drawn = strip(card_of(story))

    assert drawn is not None
    assert [lane.name for lane in drawn.lanes] == ["Symptom", "Facts", "Findings", "Hints", "Changes", "Pauses"]
    for lane in drawn.lanes:
        places = [mark.x for mark in lane.marks]
        assert all(b - a >= 20 for a, b in pairwise(places))


def test_an_interview_that_never_started_has_a_scorecard_too(tell_story: Tell) -> None:
    card = card_of(tell_story(faults=()))

    assert strip(card) is None
    for form in render.FORMS:
        assert "20261121-story" in render.as_text(card, form)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0, "0:00"), (59.6, "1:00"), (-61, "−1:01"), (3600, "1:00:00"), (-0.2, "0:00"), (754, "12:34")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert render.duration(seconds) == text


def test_the_rubric_has_five_anchors_for_each_dimension() -> None:
    assert rubric.dimensions() == (
        *("detection", "localisation", "explanation", "repair", "prevention", "communication"),
    )
    assert all(len(set(d.anchors.values())) == 5 for d in rubric.load().dimensions.values())
