"""What goes over the proctor's HTTP interface. Unknown keys are refused; free text has a length."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from brownout.entries import AiPolicy, Certainty, VerdictWord
from brownout.facts import Facts, State

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000)]
Optional = Annotated[str, StringConstraints(strip_whitespace=True, max_length=8_000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(_Body):
    """Every answer that is not a success: what, the value received, the remedy."""

    error: str


class Invalid(_Body):
    """A body or parameter outside its schema."""

    errors: list[dict[str, Any]]


class NewFinding(_Body):
    component: Name = Field(examples=["ingest"])
    failure_class: Name = Field(examples=["stale_data"])
    text: Text
    certainty: Certainty = "conclusion"
    evidence: Optional = ""
    repair: Optional = ""


class NewVerdict(_Body):
    verdict: VerdictWord
    reason: Text
    fault: Name | None = None


class NewNote(_Body):
    text: Text


class NewHandOver(_Body):
    text: Text


class HandOver(_Body):
    """What the candidate leaves for whoever is on call next."""

    text: str
    elapsed_seconds: float | None


class NewRating(_Body):
    rater: Name
    dimension: Name
    score: int = Field(ge=1, le=5)
    why: Annotated[str, StringConstraints(max_length=4_000)] = ""


class NewUndo(_Body):
    seq: Number
    reason: Reason


class NewPause(_Body):
    reason: Reason
    lost: bool = False


class NewClose(_Body):
    reason: Reason = "closed by the interviewer"
    watch: bool = True


class Term(_Body):
    name: str
    meaning: str


class Vocabulary(_Body):
    """The words of a finding; the same in every interview."""

    components: list[Term]
    failure_classes: list[Term]


class Page(_Body):
    """What the candidate may know: nothing in it depends on what is broken."""

    interview: str
    state: State
    brief: str
    ai_policy: AiPolicy
    time_box_minutes: float
    elapsed_seconds: float
    left_seconds: float
    hints_given: int
    findings_stated: int
    handed_over: bool
    speed: float
    world: float
    links: dict[str, str]


class StatedFinding(_Body):
    """A finding as the candidate sees it; `verdict` stays away until the interview is closed."""

    number: int
    component: str
    failure_class: str
    certainty: Certainty
    text: str
    evidence: str
    repair: str
    elapsed_seconds: float | None
    verdict: Literal["confirmed", "partial", "refused", "pending"] | None = None
    reason: str | None = None


class GivenHint(_Body):
    number: int
    text: str


class Added(_Body):
    """The number of the ledger's new entry."""

    seq: int


class LedgerEntry(_Body):
    seq: int
    world: float
    wall: float
    kind: str
    actor: str
    payload: dict[str, Any]
    hash: str


class Line(_Body):
    """One interview in the history."""

    interview: str
    scenario: str
    level: str
    seed: int
    candidate: str
    state: State
    created_wall: float
    found_seconds: dict[str, float | None]
    mitigated_seconds: dict[str, float | None]
    fixed_seconds: dict[str, float | None]
    done_seconds: dict[str, float | None]
    left_worse: dict[str, int]
    findings: dict[str, int]
    hints: int


class InterviewFacts(_Body):
    facts: Facts
    elapsed_seconds: float
    left_seconds: float
    world: float
