from __future__ import annotations

import pytest

from brownout.portal.brief import parse
from brownout.scenarios import load

BRIEF = """Page from on-call, Mon 06 May 2013 22:37 New York.

The desk noticed that
scores are odd.

They were fine yesterday.

What it costs: passengers are told too late.

Find out what is wrong.
"""


def test_a_brief_comes_in_its_parts() -> None:
    told = parse(BRIEF)

    assert told.heading == "Page from on-call, Mon 06 May 2013 22:37 New York"
    assert told.noticed == ("The desk noticed that scores are odd.", "They were fine yesterday.")
    assert (told.cost, told.asked) == ("Passengers are told too late.", "Find out what is wrong.")


@pytest.mark.parametrize("text", ["Scores look odd.", "One.\n\nTwo: three.", ""])
def test_a_brief_without_the_pattern_loses_nothing(text: str) -> None:
    assert "\n\n".join(parse(text).noticed) == text


@pytest.mark.parametrize("scenario", sorted(load()))
def test_every_scenario_s_brief_says_who_noticed_what_and_what_is_asked(scenario: str) -> None:
    told = parse(load()[scenario].brief)

    assert told.heading.startswith("Page from on-call")
    assert told.noticed
    assert told.asked
