"""Everything that changes something: each is one verb of `brownout`, posted as a form by the console's own pages."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from brownout import scenarios
from brownout.console import doors
from brownout.console.given import Form, One, done, lifecycle, services, valid
from brownout.console.jobs import Wish
from brownout.entries import AiPolicy, VerdictWord
from brownout.errors import LifecycleError
from brownout.lifecycle import Lifecycle
from brownout.proctor import schemas
from brownout.scorecard import render
from ontime.errors import UnknownNameError

router = APIRouter(dependencies=[Depends(doors.interviewer)])
Stage = Annotated[Lifecycle, Depends(lifecycle)]
MOST_RATERS = 8


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewInterview(_Given):
    scenario: schemas.Name
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    candidate: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)] = ""
    ai_policy: AiPolicy = "none"
    raters: Annotated[str, StringConstraints(max_length=700)] = ""

    def wish(self) -> Wish:
        names = tuple(dict.fromkeys(name.strip() for name in self.raters.replace("\n", ",").split(",") if name.strip()))
        if len(names) > MOST_RATERS or any(len(name) > 80 for name in names):
            raise LifecycleError(f"Expected up to {MOST_RATERS} raters of up to 80 letters each.")
        return Wish(self.scenario, self.seed, self.candidate, self.ai_policy, names)


class GivenVerdict(_Given):
    """Without a reason, that of the suggestion holds: for a verdict that agrees with it."""

    verdict: VerdictWord
    reason: schemas.Optional = ""
    fault: schemas.Name | None = None


class GivenPause(_Given):
    reason: schemas.Reason
    lost: bool = False


class GivenClose(_Given):
    reason: schemas.Reason = "closed by the interviewer"


def _at(interview_id: str) -> str:
    return f"/interviews/{interview_id}"


@router.post("/interviews")
def prepare(request: Request, form: Form, stage: Stage) -> Response:
    """Begins a preparation in a process of its own."""
    wish = valid(NewInterview, form).wish()
    scenarios.get(wish.scenario)
    stage.refuse_a_second()
    interview_id = services(request).jobs.prepare(wish)
    return done(request, "The preparation runs.", _at(interview_id), go=True)


@router.post("/reset")
def reset(request: Request, form: Form) -> Response:
    """Back to a healthy stack; an interview under way is given up."""
    baseline = form.get("baseline", "may")
    if baseline not in scenarios.BASELINES:
        raise UnknownNameError.of("baseline", baseline, scenarios.BASELINES)
    services(request).jobs.reset(baseline)
    return done(request, "The reset runs.", "/scenarios", go=True)


@router.post("/interviews/{interview_id}/start")
def start(request: Request, interview: One, stage: Stage) -> Response:
    stage.start(interview)
    return done(request, "Started.", _at(interview.id), go=True)


@router.post("/interviews/{interview_id}/pause")
def pause(request: Request, interview: One, stage: Stage, form: Form) -> Response:
    given = valid(GivenPause, form)
    stage.pause(interview, given.reason, given.lost)
    return done(request, "Paused.", _at(interview.id))


@router.post("/interviews/{interview_id}/resume")
def resume(request: Request, interview: One, stage: Stage) -> Response:
    stage.resume(interview)
    return done(request, "Running again.", _at(interview.id))


@router.post("/interviews/{interview_id}/close")
def close(request: Request, interview: One, stage: Stage, form: Form) -> Response:
    stage.close(interview, valid(GivenClose, form).reason, True)
    return done(request, "Closed.", f"{_at(interview.id)}/closing", go=True)


@router.post("/interviews/{interview_id}/findings")
def spoken(request: Request, interview: One, form: Form) -> Response:
    """A finding that the candidate said aloud."""
    made = interview.state_finding("interviewer", **valid(schemas.NewFinding, form).model_dump())
    return done(request, f"Finding {made.finding} recorded.", _at(interview.id))


@router.post("/interviews/{interview_id}/findings/{number}/verdict")
def verdict(request: Request, interview: One, number: Annotated[int, Path(ge=1, le=2**31 - 1)], form: Form) -> Response:
    given = valid(GivenVerdict, form)
    reason = given.reason
    if not reason:
        finding = next((f for f in interview.facts().findings if f.number == number), None)
        if finding is not None and finding.judged_by == "suggestion" and finding.suggested == given.verdict:
            reason = finding.reason
        elif finding is not None:
            raise LifecycleError("Say why in a sentence: this is not what was suggested.")
    made = interview.judge(number, given.verdict, reason, given.fault)
    return done(request, f"Finding {number} is {made.verdict}.", _at(interview.id))


@router.post("/interviews/{interview_id}/hints")
def hint(request: Request, interview: One) -> Response:
    made = interview.next_hint("interviewer")
    return done(request, f"Hint {made.number} is given. Read it aloud.", _at(interview.id))


@router.post("/interviews/{interview_id}/notes")
def note(request: Request, interview: One, form: Form) -> Response:
    interview.note(valid(schemas.NewNote, form).text)
    return done(request, "Noted.", _at(interview.id))


@router.post("/interviews/{interview_id}/undo")
def undo(request: Request, interview: One, form: Form) -> Response:
    interview.undo(*valid(schemas.NewUndo, form).model_dump().values())
    return done(request, "It no longer counts.", _at(interview.id))


@router.post("/interviews/{interview_id}/ratings")
def rate(request: Request, interview: One, form: Form) -> Response:
    interview.rate(**valid(schemas.NewRating, form).model_dump())
    return done(request, "Saved.", f"{_at(interview.id)}/closing")


@router.post("/interviews/{interview_id}/ratings/finish")
def finish(request: Request, interview: One, form: Form) -> Response:
    """The rater is done; the scorecard is written again with what they said."""
    interview.finish_ratings(form.get("rater", ""))
    render.write(interview)
    return done(request, "Done.", f"{_at(interview.id)}/closing", go=True)


@router.post("/interviews/{interview_id}/raters")
def invite(request: Request, interview: One, form: Form) -> Response:
    """A second rater's link: it opens this interview's rating page under this name, for a week."""
    name = form.get("rater", "").strip()
    if not 1 <= len(name) <= 80:
        raise HTTPException(422, "Give the second rater's name, up to 80 letters.")
    facts = interview.facts()
    interview.require(facts, "be rated by another", "running", "paused", "closed")
    return done(request, link(request.app.state.doors, interview.id, name), f"{_at(interview.id)}/closing")


def link(known: doors.Doors, interview_id: str, name: str) -> str:
    """What opens the rating page; what it is worth stands behind the `#`, which no server sees."""
    return f"{known.origin}/rate/enter#{known.seal(doors.Seal('rater', interview_id, name), doors.LINK_LIVES_SECONDS)}"


@router.post("/keys")
def keys(request: Request, form: Form) -> Response:
    """Single-key shortcuts on or off, for this browser."""
    answer = RedirectResponse(doors.local(form.get("next")), 303)
    value = "on" if form.get("keys") == "on" else "off"
    secure = request.app.state.doors.secure
    expires = int(time.time() + 365 * 86_400)
    answer.set_cookie("console_keys", value, expires=expires, secure=secure, httponly=True, samesite="strict")
    return answer
