"""Everything that is only looked at: scenarios, an interview in each of its states, plots, history, the stream."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from brownout import findings, rubric, scenarios
from brownout.console import agreement, distributions, doors, plots, steps, stream, views
from brownout.console.given import Id, One, Read, harness, page, services, shelf
from brownout.console.known import Known
from brownout.interview import Interview, current
from brownout.scorecard import document, render, replay

router = APIRouter(dependencies=[Depends(doors.interviewer)])
BASELINES = scenarios.BASELINES


def _now(request: Request) -> Known | None:
    interview = current(harness(request))
    return shelf(request).read(interview) if interview is not None else None


@router.get("/")
def front(request: Request) -> Response:
    """The interview that is under way, else the scenarios."""
    known = _now(request)
    under_way = known is not None and known.facts.state in ("preparing", "ready", "running", "paused")
    return RedirectResponse(f"/interviews/{known.facts.interview}" if known and under_way else "/scenarios", 303)


@router.get("/scenarios")
def all_scenarios(request: Request) -> HTMLResponse:
    known = _now(request)
    held: dict[str, int] = {}
    for facts in shelf(request).all()[0]:
        if facts.state == "closed":
            held[facts.scenario] = held.get(facts.scenario, 0) + 1
    found = scenarios.load().values()
    return page(request, "scenarios.html.j2", scenarios=found, held=held, now_known=known, baselines=BASELINES)


@router.get("/scenarios/{scenario_id}")
def new(request: Request, scenario_id: Id) -> HTMLResponse:
    return page(request, "new.html.j2", scenario=scenarios.get(scenario_id), now_known=_now(request))


@router.get("/interviews/{interview_id}")
def interview(request: Request, known: Read) -> Response:
    """The page that fits the interview's state."""
    facts = known.facts
    if facts.state in ("preparing", "ready", "abandoned"):
        return _preparation(request, known)
    if facts.state == "closed":
        return RedirectResponse(f"/interviews/{facts.interview}/closing", 303)
    return _live(request, known)


def _preparation(request: Request, known: Known) -> HTMLResponse:
    ids = [f.interview for f in shelf(request).all()[0] if f.interview != known.facts.interview][-10:]
    usual = steps.usual([Interview(harness(request), name).ledger.entries() for name in ids])
    access = known.interview.access()
    way_in = f"{harness(request).way_in_url}/?token={access.code}" if access else ""
    stages = steps.of(known.entries, usual)
    return page(request, "preparation.html.j2", known=known, facts=known.facts, stages=stages, way_in=way_in)


def _live(request: Request, known: Known) -> HTMLResponse:
    return page(
        request,
        "live.html.j2",
        known=known,
        board=services(request).alerts(),
        components=findings.COMPONENTS,
        failure_classes=findings.FAILURE_CLASSES,
        **views.live(known),
    )


@router.get("/interviews/{interview_id}/live")
def live(request: Request, known: Read) -> HTMLResponse:
    """The live page, whatever the state."""
    return _live(request, known)


@router.get("/interviews/{interview_id}/shared")
def shared(request: Request, known: Read) -> HTMLResponse:
    """What may stand on a screen that others see: nothing in it depends on what is broken or on what was judged."""
    facts = known.facts
    stated = [
        {
            "number": f.number,
            "component": f.component,
            "failure_class": f.failure_class,
            "certainty": f.certainty,
            "text": f.text,
            "at": f.at,
        }
        for f in facts.findings
    ]
    return page(
        request,
        "shared.html.j2",
        known=known,
        public={
            "interview": facts.interview,
            "state": facts.state,
            "started": facts.started is not None,
            "brief": facts.brief if facts.started else "",
            "ai_policy": facts.ai_policy,
            "candidate": facts.candidate,
            "box": facts.time_box_minutes,
        },
        clock=views.clock(facts, time.time()),
        world=known.interview.world(),
        stated=list(reversed(stated)),
        hints=[hint.text for hint in facts.hints],
        changes=views.changes(facts),
        board=services(request).alerts(),
    )


@router.get("/interviews/{interview_id}/closing")
def closing(request: Request, known: Read) -> Response:
    """Ratings first; what the machine observed comes after."""
    facts = known.facts
    if facts.state != "closed":
        return RedirectResponse(f"/interviews/{facts.interview}", 303)
    rater = known.created.raters[0] if known.created.raters else "interviewer"
    given = {r.dimension: r for r in facts.ratings if r.rater == rater}
    waiting = agreement.waiting(facts)
    return page(
        request,
        "closing.html.j2",
        known=known,
        facts=facts,
        rater=rater,
        given=given,
        rubric=rubric.load(),
        finished=rater in facts.raters_finished,
        waiting=waiting,
        agreement=agreement.of(facts) if len(facts.raters_finished) > 1 and not waiting else None,
        findings=views.findings(known),
    )


@router.get("/interviews/{interview_id}/scorecard")
def scorecard(known: Read, form: Literal["html", "json", "md"] = "html") -> Response:
    """The scorecard as the ledger stands now. It brings its own styles; of scripts its replay alone may run."""
    kinds = {"html": "text/html", "json": "application/json", "md": "text/plain"}
    text = render.as_text(document.of(known.facts), form)
    answer = Response(text, media_type=f"{kinds[form]}; charset=utf-8")
    if form == "html":
        answer.headers["content-security-policy"] = replay.policy()
    return answer


@router.get("/interviews/{interview_id}/plots/{key}")
def plot(request: Request, known: Read, key: Annotated[str, Id]) -> JSONResponse:
    curve = plots.find(known, key)
    if curve is None:
        raise HTTPException(404, f"There is no plot {key!r} of this interview.")
    return JSONResponse(plots.draw(known, curve, services(request).ask, time.time()))


@router.get("/interviews/{interview_id}/events")
async def events(request: Request, interview: One, after: Annotated[int | None, Query(ge=0, le=2**53)] = None) -> Any:
    """The ledger's new entries as server-sent events; `Last-Event-ID` (or `after`) says where to go on."""
    streams: stream.Streams = services(request).streams
    last = request.headers.get("last-event-id", "")
    if last.isdigit() and len(last) < 16:
        after = int(last)
    jobs = services(request).jobs

    def beat() -> dict[str, Any]:
        state = jobs.state()
        return {"world": interview.world(), "job": state.step if state is not None and state.running else None}

    return stream.EventStream(stream.events(interview.ledger.path, after, beat, streams), streams)


@router.get("/history")
def history(request: Request) -> HTMLResponse:
    found, wrong = shelf(request).all()
    told = distributions.of(found, scenarios.load())
    return page(request, "history.html.j2", lines=list(reversed(found)), distributions=told, wrong=wrong)
