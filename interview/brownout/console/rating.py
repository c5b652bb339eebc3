"""The second rater's page: the rubric and what was said; nothing of the machine, nor of others until all are done."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from brownout import rubric
from brownout.console import agreement, doors, stream
from brownout.console.given import Form, done, harness, page, services, shelf, valid
from brownout.console.known import Known
from brownout.interview import Interview
from brownout.proctor import schemas

router = APIRouter(prefix="/rate")
Mine = Annotated[doors.Seal, Depends(doors.rater)]


@router.get("/enter")
def door(request: Request) -> HTMLResponse:
    return HTMLResponse(request.app.state.pages.render("rate_enter.html.j2"))


@router.post("/enter")
def enter(request: Request, form: Form) -> Response:
    known: doors.Doors = request.app.state.doors
    seal = known.open(form.get("token", "").strip())
    if seal is None or seal.role != "rater":
        raise HTTPException(401, "This link is not valid, or it has expired. Ask the interviewer for another.")
    asks_json = "application/json" in request.headers.get("accept", "")
    answer: Response = JSONResponse({"go": "/rate"}) if asks_json else RedirectResponse("/rate", 303)
    known.give(answer, seal)
    return answer


def _known(request: Request, seal: doors.Seal) -> Known:
    return shelf(request).read(Interview(harness(request), seal.interview))


@router.get("")
def rate_page(request: Request, seal: Mine) -> HTMLResponse:
    known = _known(request, seal)
    facts = known.facts
    finished = seal.rater in facts.raters_finished
    waiting = agreement.waiting(facts)
    return page(
        request,
        "rate.html.j2",
        events="/rate/events",
        seq=facts.entries,
        rater=seal.rater,
        about={"interview": facts.interview, "state": facts.state, "brief": facts.brief, "level": facts.level},
        stated=[(f.number, f.at, f.certainty, f.component, f.failure_class, f.text, f.repair) for f in facts.findings],
        given={r.dimension: r for r in facts.ratings if r.rater == seal.rater},
        rubric=rubric.load(),
        finished=finished,
        waiting=waiting,
        agreement=agreement.of(facts) if finished and not waiting else None,
    )


@router.get("/events")
async def events(request: Request, seal: Mine) -> Any:
    """Tells only that something happened: kinds and actors would say what."""
    streams: stream.Streams = services(request).streams
    interview = Interview(harness(request), seal.interview)
    last = request.headers.get("last-event-id", request.query_params.get("after", ""))
    after = int(last) if last.isdigit() and len(last) < 16 else None
    return stream.EventStream(stream.events(interview.ledger.path, after, dict, streams, bare=True), streams)


def _open(request: Request, seal: doors.Seal) -> Interview:
    known = _known(request, seal)
    if seal.rater in known.facts.raters_finished:
        raise HTTPException(409, "You are done rating this interview. The interviewer can take a rating back.")
    return known.interview


@router.post("")
def rate(request: Request, seal: Mine, form: Form) -> Response:
    given = valid(schemas.NewRating, {**form, "rater": seal.rater})
    _open(request, seal).rate(**given.model_dump())
    return done(request, "Saved.", "/rate")


@router.post("/finish")
def finish(request: Request, seal: Mine) -> Response:
    _open(request, seal).finish_ratings(seal.rater)
    return done(request, "Done. Thank you.", "/rate", go=True)
