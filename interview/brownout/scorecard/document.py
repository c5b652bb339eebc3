"""The scorecard's content: machine facts and human ratings apart. The JSON form is this model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from brownout import rubric
from brownout.entries import AiPolicy, Secrecy
from brownout.facts import EvidenceFacts, Facts, FaultFacts, FindingFacts, HintFacts, Moment, NoteFacts, TimelineItem

SCHEMA = "https://json-schema.org/draft/2020-12/schema"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(_Part):
    """Which interview this is, and under which conditions it can be compared with others."""

    interview: str
    scenario: str
    title: str
    level: str
    seed: int
    candidate: str
    ai_policy: AiPolicy
    baseline: str
    pack: str
    pack_version: str
    secrecy: Secrecy
    versions: dict[str, str]
    time_box_minutes: float
    brief: str


class Times(_Part):
    """Wall times are Unix seconds; durations leave pauses out."""

    state: str
    created: Moment
    preparation_seconds: float | None
    started: Moment | None
    closed: Moment | None
    used_seconds: float
    paused_seconds: float
    lost_seconds: float
    still_watching: bool = Field(description="probes may still add to these facts")


class Machine(_Part):
    """What the machine observed. No person's judgement but the verdicts on findings is in it."""

    faults: tuple[FaultFacts, ...]
    findings: tuple[FindingFacts, ...]
    finding_counts: dict[str, int]
    hints: tuple[HintFacts, ...]
    hints_known: int
    evidence: tuple[EvidenceFacts, ...]
    evidence_counts: dict[str, int] = Field(description="looks by source")
    hand_over: NoteFacts | None
    trouble: tuple[NoteFacts, ...]
    timeline: tuple[TimelineItem, ...]


class Rating(_Part):
    rater: str
    dimension: str
    title: str
    score: int = Field(ge=1, le=5)
    anchor: str = Field(description="what the rubric says of this score")
    why: str


class Human(_Part):
    """What people thought; kept apart from what the machine observed."""

    rubric_version: int
    ratings: tuple[Rating, ...]
    notes: tuple[NoteFacts, ...]


class LedgerMark(_Part):
    """The place in the ledger that this document was derived from."""

    head: str = Field(pattern=r"^[0-9a-f]{64}$")
    entries: int = Field(ge=1)


class Scorecard(_Part):
    version: Literal["brownout-scorecard-1"] = "brownout-scorecard-1"
    about: About
    times: Times
    machine: Machine
    human: Human
    ledger: LedgerMark


def of(facts: Facts) -> Scorecard:
    """The same facts give the same document."""
    guide = rubric.load()
    until = facts.timeline[-1].at.wall if facts.timeline else facts.created.wall
    return Scorecard(
        about=About(**{name: getattr(facts, name) for name in About.model_fields}),
        times=Times(
            state=facts.state,
            created=facts.created,
            preparation_seconds=facts.preparation_seconds,
            started=facts.started,
            closed=facts.closed,
            used_seconds=facts.elapsed_at(until),
            paused_seconds=facts.paused_seconds,
            lost_seconds=facts.lost_seconds,
            still_watching=facts.watching,
        ),
        machine=Machine(
            faults=facts.faults,
            findings=facts.findings,
            finding_counts=facts.finding_counts(),
            hints=facts.hints,
            hints_known=facts.hints_known,
            evidence=facts.evidence,
            evidence_counts=facts.evidence_counts(),
            hand_over=facts.hand_over,
            trouble=facts.trouble,
            timeline=facts.timeline,
        ),
        human=Human(
            rubric_version=guide.version,
            ratings=tuple(
                Rating(
                    rater=r.rater,
                    dimension=r.dimension,
                    title=guide.dimensions[r.dimension].title if r.dimension in guide.dimensions else r.dimension,
                    score=r.score,
                    anchor=guide.dimensions[r.dimension].anchors[r.score] if r.dimension in guide.dimensions else "",
                    why=r.why,
                )
                for r in facts.ratings
            ),
            notes=facts.notes,
        ),
        ledger=LedgerMark(head=facts.head, entries=facts.entries),
    )


def schema() -> dict[str, object]:
    """The JSON schema of the JSON form."""
    return {"$schema": SCHEMA, **Scorecard.model_json_schema()}
