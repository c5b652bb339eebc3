"""What a ledger can hold: a closed set of entry kinds, one frozen model each, unknown keys forbidden.

Adding a kind is adding a class here: `KINDS` is read from the classes. Wall and world times are Unix seconds.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brownout.errors import LedgerRefusedError

Actor = Literal["interviewer", "candidate", "proctor", "harness"]
AiPolicy = Literal["none", "own", "provided"]
ProbeStatus = Literal["ok", "broken", "unknown"]
ProbeRole = Literal["symptom", "root_cause", "guard"]
"""`guard`: what is ok at the start and must still be ok at the close."""
Certainty = Literal["suspicion", "conclusion"]
VerdictWord = Literal["confirmed", "partial", "refused"]
Secrecy = Literal["separate-user", "separate-namespace", "on-trust"]

Line = Field(max_length=400)
FreeText = Field(max_length=8_000)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class Payload(_Frozen):
    """The typed content of an entry; `kind` is its name in the ledger."""

    kind: ClassVar[str]

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Made from what people gave. Raises `LedgerRefusedError` naming the key and the value."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise LedgerRefusedError(
                f"{cls.kind}: {key!r} has value {str(first['input'])[:60]!r}. {first['msg']}."
            ) from error


class AnswerKey(_Frozen):
    """One component–class pair and what stating it deserves."""

    component: str
    failure_class: str
    verdict: VerdictWord
    why: str = ""


class FaultRecord(_Frozen):
    """What the ledger must know of a fault so that facts need nothing but the ledger."""

    fault: str
    layer: str
    title: str
    symptom_probes: tuple[str, ...]
    root_cause_probes: tuple[str, ...]
    """Empty for a control: nothing is broken, so there is nothing to mitigate or to fix."""
    guard_probes: tuple[str, ...] = ()
    answers: tuple[AnswerKey, ...] = ()
    hints: tuple[str, ...] = ()
    confirm_when: str = ""
    partial_when: str = ""
    refuse_when: str = ""
    causal_chain: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}

    @property
    def control(self) -> bool:
        return not self.root_cause_probes


class Created(Payload):
    kind = "created"
    interview: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{3,60}$")
    scenario: str
    title: str
    level: str
    seed: int
    candidate: str = Line
    ai_policy: AiPolicy
    baseline: str
    time_box_minutes: float = Field(gt=0)
    raters: tuple[str, ...] = Field(default=(), max_length=8, description="Who rates at the close, as told beforehand.")
    pack: str = "brownout"
    pack_version: str = ""
    secrecy: Secrecy = "on-trust"
    versions: dict[str, str] = {}
    faults: tuple[FaultRecord, ...] = ()
    pid: int = 0


class Step(Payload):
    """One step of the preparation, pause, release or reset."""

    kind = "step"
    name: str
    status: Literal["started", "done", "failed"]
    detail: str = FreeText
    seconds: float = 0.0


class Healthy(Payload):
    """What this machine measured before anything was injected; probes compare with it."""

    kind = "healthy"
    reference_version: str
    reference_model: str
    figures: dict[str, float] = {}


class Injected(Payload):
    kind = "injected"
    fault: str
    what: str = FreeText


class SymptomObserved(Payload):
    kind = "symptom_observed"
    fault: str
    probe: str
    why: str = FreeText


class Frozen(Payload):
    """World, schedules and alert evaluation stand still from `wall` on."""

    kind = "frozen"
    frozen_wall: float
    frozen_world: float


class Released(Payload):
    kind = "released"
    frozen_seconds: float = Field(ge=0)


class Ready(Payload):
    kind = "ready"
    brief: str = FreeText
    onset_wall: float = Field(description="When the first mutation took effect.")
    onset_world: float
    seconds: float = Field(ge=0, description="Wall seconds that the preparation took.")


class Started(Payload):
    """The time box begins; `brief` is the page as the candidate reads it."""

    kind = "started"
    brief: str = Field(default="", max_length=8_000)


class Paused(Payload):
    """`lost` says that the harness's own failure is the reason; either way the time is given back."""

    kind = "paused"
    reason: str = Line
    lost: bool = False


class Resumed(Payload):
    kind = "resumed"


class Closed(Payload):
    kind = "closed"
    reason: str = Line
    watch_seconds: float = Field(default=600.0, ge=0, description="How long probes go on looking.")


class WatchEnded(Payload):
    """Probing after the close is over; facts no longer change."""

    kind = "watch_ended"


class Abandoned(Payload):
    kind = "abandoned"
    reason: str = FreeText


class WasReset(Payload):
    kind = "reset"
    baseline: str


class Change(Payload):
    """Something that acts on the platform: what a repair can consist of."""

    kind = "change"
    what: Literal["deploy", "alias", "dag_run", "restart", "feed", "data", "silence"]
    detail: str = Line
    subject: str = ""


class ProbeChanged(Payload):
    """A probe answers something else than before; the first answer of a run."""

    kind = "probe_changed"
    fault: str
    probe: str
    role: ProbeRole
    status: ProbeStatus
    why: str = FreeText
    answers: int = Field(default=0, ge=0)
    measured: dict[str, float] = {}


class Consulted(Payload):
    """A place where evidence stands was looked at, as seen from outside the candidate's shell; one entry a look."""

    kind = "consulted"
    source: str
    what: str = Line
    asked: int = Field(default=1, ge=1, description="How often it was asked during this look.")


class ProbeHeld(Payload):
    """A run of ok reached the length that counts; `since_*` is its first ok."""

    kind = "probe_held"
    fault: str
    probe: str
    role: ProbeRole
    consecutive: int = Field(ge=1)
    answers: int = Field(ge=0, description="Answers that the world received during the run.")
    since_wall: float
    since_world: float
    why: str = FreeText


class Finding(Payload):
    kind = "finding"
    finding: int = Field(ge=1)
    component: str
    failure_class: str
    certainty: Certainty
    text: str = FreeText
    evidence: str = Field(default="", max_length=8_000)
    repair: str = Field(default="", max_length=8_000)
    suggested: VerdictWord | None = None
    suggested_fault: str | None = None
    suggested_why: str = Field(default="", max_length=2_000)


class Verdict(Payload):
    kind = "verdict"
    finding: int = Field(ge=1)
    verdict: VerdictWord
    fault: str | None = None
    reason: str = FreeText


class Hint(Payload):
    kind = "hint"
    number: int = Field(ge=1)
    fault: str
    text: str = FreeText


class Note(Payload):
    kind = "note"
    text: str = FreeText


class HandOver(Payload):
    """What the candidate leaves for whoever is on call next; a later one replaces it."""

    kind = "hand_over"
    text: str = FreeText


class Rated(Payload):
    """A person's rating of one dimension of the rubric; a later one of the same rater replaces it."""

    kind = "rated"
    rater: str = Field(min_length=1, max_length=80)
    dimension: str
    score: int = Field(ge=1, le=5)
    why: str = Field(default="", max_length=4_000)


class RatingsFinished(Payload):
    """A rater is done: what they left out stays out, and they may see the machine's facts and the others' ratings."""

    kind = "ratings_finished"
    rater: str = Field(min_length=1, max_length=80)


class HarnessTrouble(Payload):
    """Something on the interviewer's side failed; never held against the candidate."""

    kind = "harness_trouble"
    part: str
    what: str = FreeText


class Undone(Payload):
    """Compensates the entry `seq`: it stays in the ledger and no longer counts."""

    kind = "undone"
    seq: int = Field(ge=1)
    reason: str = Line


class ScorecardWritten(Payload):
    kind = "scorecard_written"
    head: str
    entries: int = Field(ge=1)
    files: dict[str, str] = Field(description="File name → SHA-256 of its content.")


KINDS: dict[str, type[Payload]] = {cls.kind: cls for cls in Payload.__subclasses__()}
