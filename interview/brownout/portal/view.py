"""Everything that the candidate is shown, gathered from the ledger: nothing in it depends on what is broken."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from brownout import findings
from brownout.entries import AiPolicy, Certainty
from brownout.facts import Facts, FindingFacts, Moment, State
from brownout.interview import Interview
from brownout.portal.brief import Brief, parse
from ontime.contract import NEW_YORK

AI_WORDS: dict[AiPolicy, str] = {
    "none": "No AI assistance in this interview.",
    "own": "You may use your own AI tools.",
    "provided": "You may use the AI tools that were given to you.",
}
STATE_WORDS: dict[State, str] = {
    "preparing": "being prepared",
    "ready": "not started yet",
    "running": "running",
    "paused": "paused",
    "closed": "over",
    "abandoned": "over",
}


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Shown):
    """A moment as people read it: since the start, on the wall, in the world."""

    elapsed: str
    wall: str
    world: str
    iso: str


class Said(_Shown):
    """A finding as its author sees it; `verdict` stays empty until the interview is closed."""

    number: int
    component: str
    failure_class: str
    certainty: Certainty
    spoken: bool
    text: str
    evidence: str
    repair: str
    at: When
    verdict: str = ""
    reason: str = ""


class Hint(_Shown):
    number: int
    text: str
    at: When


class View(_Shown):
    """`speed` is world seconds per wall second by day; `left` counts down, negative when overdrawn."""

    interview: str
    state: State
    state_words: str
    brief: Brief
    ai: str
    time_box_minutes: float
    elapsed_seconds: float
    left_seconds: float
    speed: float
    world: str
    wall: str
    findings: tuple[Said, ...]
    hints: tuple[Hint, ...]
    hand_over: str
    hand_over_at: When | None

    @property
    def pace(self) -> str:
        seconds = 3600 / self.speed
        return f"{seconds:g} seconds here {'is' if seconds == 1 else 'are'} one hour there"


def clock(seconds: float) -> str:
    """`12:34`, or `1:02:03` from an hour on; with a minus sign when negative."""
    whole = int(abs(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    sign = "−" if seconds < 0 and whole else ""
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"


def world_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, ZoneInfo(NEW_YORK)):%a %d %b %H:%M} New York"


def wall_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S} UTC"


def when(moment: Moment) -> When:
    return When(
        elapsed=clock(moment.elapsed or 0.0),
        wall=wall_time(moment.wall),
        world=world_time(moment.world),
        iso=datetime.fromtimestamp(moment.wall, UTC).isoformat(timespec="seconds"),
    )


def _said(finding: FindingFacts, closed: bool) -> Said:
    return Said(
        number=finding.number,
        component=finding.component,
        failure_class=finding.failure_class,
        certainty=finding.certainty,
        spoken=finding.actor == "interviewer",
        text=finding.text,
        evidence=finding.evidence,
        repair=finding.repair,
        at=when(finding.at),
        verdict=finding.verdict if closed else "",
        reason=finding.reason if closed else "",
    )


def of(interview: Interview) -> View:
    facts, now = interview.facts(), time.time()
    return _view(facts, now, interview.world(), interview.harness.speed)


def _view(facts: Facts, now: float, world: float, speed: float) -> View:
    shown = facts.started is not None
    return View(
        interview=facts.interview,
        state=facts.state,
        state_words=STATE_WORDS[facts.state],
        brief=parse(facts.brief if shown else ""),
        ai=AI_WORDS[facts.ai_policy],
        time_box_minutes=facts.time_box_minutes,
        elapsed_seconds=facts.elapsed_at(now),
        left_seconds=facts.left_at(now),
        speed=speed,
        world=world_time(world),
        wall=wall_time(now),
        findings=tuple(_said(f, facts.state == "closed") for f in facts.findings),
        hints=tuple(Hint(number=h.number, text=h.text, at=when(h.at)) for h in facts.hints),
        hand_over=facts.hand_over.text if facts.hand_over else "",
        hand_over_at=when(facts.hand_over.at) if facts.hand_over else None,
    )


COMPONENTS = findings.COMPONENTS
FAILURE_CLASSES = findings.FAILURE_CLASSES
