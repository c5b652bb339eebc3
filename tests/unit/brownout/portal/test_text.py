from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brownout import entries as e
from brownout.portal import links, text, view
from brownout.portal.stack_map import StackMap

Tell = Callable[..., Any]


def test_all_of_the_page_exists_as_text(tell_story: Tell) -> None:
    story = tell_story().started().finding(300, ("ingest", "stale_data"), "suspicion")
    story.add(320, e.Hint(number=1, fault="stuck", text="Look at the ages."), "candidate")
    story.add(330, e.HandOver(text="Watch the ages."), "candidate")
    told = text.everything(view.of(story.interview), StackMap(trouble="No map."), links.below("/oncall"))

    for part in ("Scores look odd.", "left of 45:00", "No map.", "/mlflow/", "make deploy", "1. suspicion at 1:40"):
        assert part in told
    for part in ("because of this", "Look at the ages.", "Watch the ages.", "30 seconds here are one hour there"):
        assert part in told


def test_verdicts_come_with_the_close(tell_story: Tell) -> None:
    story = tell_story().started().finding(300, ("ingest", "stale_data"))
    during = text.findings(view.of(story.interview))
    story.add(400, e.Closed(reason="time"))
    after = text.findings(view.of(story.interview))

    assert ("confirmed" in during, "confirmed" in after) == (False, True)


def test_before_the_start_the_page_is_kept(tell_story: Tell) -> None:
    assert "Scores" not in text.page(view.of(tell_story().prepared().interview))


def test_what_people_wrote_moves_no_cursor(tell_story: Tell) -> None:
    story = tell_story().started()
    story.add(330, e.HandOver(text="a\x1b[2Jb\nc"), "candidate")

    assert "\x1b" not in text.hand_over(view.of(story.interview))
    assert "a?[2Jb" in text.hand_over(view.of(story.interview))
