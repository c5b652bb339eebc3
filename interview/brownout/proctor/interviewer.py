"""The interviewer's routes: everything that `brownout` can do to an interview that is prepared."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from brownout.facts import Facts
from brownout.interview import Interview, known_ids, the_current
from brownout.lifecycle import Lifecycle
from brownout.proctor import auth, candidate, schemas
from brownout.proctor.responses import CONFLICT, DENIED, INVALID, MISSING
from brownout.scorecard import document, render, replay
from brownout.settings import Harness

router = APIRouter(
    prefix="/interviews",
    tags=["interviewer"],
    dependencies=[Depends(auth.interviewer)],
    responses={**DENIED, **INVALID},
)
Id = Annotated[str, Path(min_length=1, max_length=64, description="An interview's id, or `current`.")]
FindingNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _harness(request: Request) -> Harness:
    found: Harness = request.app.state.harness
    return found


def _one(request: Request, interview_id: Id) -> Interview:
    harness = _harness(request)
    if interview_id == "current":
        return the_current(harness)
    return Interview(harness, interview_id)


def _lifecycle(request: Request) -> Lifecycle:
    made: Lifecycle = request.app.state.lifecycle()
    return made


One = Annotated[Interview, Depends(_one)]
Stage = Annotated[Lifecycle, Depends(_lifecycle)]
FOUND = {**MISSING, **CONFLICT}


def _told(interview: Interview) -> schemas.InterviewFacts:
    facts, now = interview.facts(), time.time()
    return schemas.InterviewFacts(
        facts=facts, elapsed_seconds=facts.elapsed_at(now), left_seconds=facts.left_at(now), world=interview.world()
    )


def line(facts: Facts) -> schemas.Line:
    def elapsed(moment: str) -> dict[str, float | None]:
        at = {fault.fault: getattr(fault, moment) for fault in facts.faults}
        return {fault: m.elapsed if m else None for fault, m in at.items()}

    return schemas.Line(
        interview=facts.interview,
        scenario=facts.scenario,
        level=facts.level,
        seed=facts.seed,
        candidate=facts.candidate,
        state=facts.state,
        created_wall=facts.created.wall,
        found_seconds=elapsed("found"),
        mitigated_seconds=elapsed("mitigated"),
        fixed_seconds=elapsed("fixed"),
        done_seconds=elapsed("done"),
        left_worse={fault.fault: len(fault.left_worse) for fault in facts.faults},
        findings=facts.finding_counts(),
        hints=len(facts.hints),
    )


@router.get("")
def history(request: Request) -> list[schemas.Line]:
    """Every interview, oldest first."""
    harness = _harness(request)
    return [line(Interview(harness, interview_id).facts()) for interview_id in known_ids(harness)]


@router.get("/vocabulary")
def words() -> schemas.Vocabulary:
    """The words of a finding."""
    return candidate.vocabulary()


@router.get("/{interview_id}", responses=FOUND)
def state(interview: One) -> schemas.InterviewFacts:
    """Everything that the ledger says."""
    return _told(interview)


@router.get("/{interview_id}/entries", responses=FOUND)
def entries(interview: One, after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0) -> list[schemas.LedgerEntry]:
    """The ledger itself, from the entry after `after` on."""
    return [
        schemas.LedgerEntry(
            seq=x.seq,
            world=x.world,
            wall=x.wall,
            kind=x.kind,
            actor=x.actor,
            payload=x.payload.model_dump(mode="json"),
            hash=x.hash,
        )
        for x in interview.ledger.entries(after)
    ]


@router.post("/{interview_id}/findings", status_code=201, responses=FOUND)
def spoken_finding(interview: One, body: schemas.NewFinding) -> schemas.Added:
    """A finding that the candidate said aloud."""
    interview.state_finding("interviewer", **body.model_dump())
    return _last(interview)


@router.put("/{interview_id}/findings/{number}/verdict", responses=FOUND)
def verdict(interview: One, number: FindingNumber, body: schemas.NewVerdict) -> schemas.Added:
    """Confirms or corrects what was suggested, with a reason."""
    interview.judge(number, body.verdict, body.reason, body.fault)
    return _last(interview)


@router.post("/{interview_id}/hints", status_code=201, responses=FOUND)
def give_hint(interview: One) -> schemas.GivenHint:
    """Hands out the next scripted hint."""
    hint = interview.next_hint("interviewer")
    return schemas.GivenHint(number=hint.number, text=hint.text)


@router.post("/{interview_id}/notes", status_code=201, responses=FOUND)
def note(interview: One, body: schemas.NewNote) -> schemas.Added:
    """A private note with its time."""
    return schemas.Added(seq=interview.note(body.text).seq)


@router.post("/{interview_id}/ratings", status_code=201, responses=FOUND)
def rate(interview: One, body: schemas.NewRating) -> schemas.Added:
    """One dimension of the rubric."""
    return schemas.Added(seq=interview.rate(body.rater, body.dimension, body.score, body.why).seq)


@router.post("/{interview_id}/undo", status_code=201, responses=FOUND)
def undo(interview: One, body: schemas.NewUndo) -> schemas.Added:
    """Compensates an entry; it stays in the ledger and no longer counts."""
    return schemas.Added(seq=interview.undo(body.seq, body.reason).seq)


@router.post("/{interview_id}/start", responses=FOUND)
def start(interview: One, lifecycle: Stage) -> schemas.InterviewFacts:
    """Releases everything and begins the time box."""
    lifecycle.start(interview)
    return _told(interview)


@router.post("/{interview_id}/pause", responses=FOUND)
def pause(interview: One, lifecycle: Stage, body: schemas.NewPause) -> schemas.InterviewFacts:
    """Freezes both clocks."""
    lifecycle.pause(interview, body.reason, body.lost)
    return _told(interview)


@router.post("/{interview_id}/resume", responses=FOUND)
def resume(interview: One, lifecycle: Stage) -> schemas.InterviewFacts:
    lifecycle.resume(interview)
    return _told(interview)


@router.post("/{interview_id}/close", responses=FOUND)
def close(interview: One, lifecycle: Stage, body: schemas.NewClose) -> schemas.InterviewFacts:
    """Ends the time box and the candidate's access, and writes the scorecard."""
    lifecycle.close(interview, body.reason, body.watch)
    render.write(interview)
    return _told(interview)


@router.get(
    "/{interview_id}/scorecard",
    responses={**FOUND, 200: {"content": {"text/html": {}, "application/json": {}, "text/markdown": {}}}},
    response_class=Response,
)
def scorecard(interview: One, form: Literal["html", "json", "md"] = "html") -> Response:
    """The scorecard as the ledger stands now."""
    kinds = {"html": "text/html", "json": "application/json", "md": "text/markdown"}
    text = render.as_text(document.of(interview.facts()), form)
    return Response(
        text, media_type=f"{kinds[form]}; charset=utf-8", headers={"Content-Security-Policy": replay.policy()}
    )


def _last(interview: Interview) -> schemas.Added:
    return schemas.Added(seq=interview.ledger.head()[0])
