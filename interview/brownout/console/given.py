"""What routes share: the services, an interview by its id, a posted form, and how an act is answered."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from brownout.console.jobs import JobState
from brownout.console.known import Known, Shelf
from brownout.interview import Interview, the_current
from brownout.lifecycle import Lifecycle
from brownout.settings import Harness

MOST_FIELDS = 64
Id = Annotated[str, Path(min_length=1, max_length=64)]
M = TypeVar("M", bound=BaseModel)


def services(request: Request) -> Any:
    return request.app.state.services


def harness(request: Request) -> Harness:
    found: Harness = request.app.state.services.harness
    return found


def shelf(request: Request) -> Shelf:
    found: Shelf = request.app.state.shelf
    return found


def lifecycle(request: Request) -> Lifecycle:
    made: Lifecycle = request.app.state.services.lifecycle()
    return made


def job(request: Request) -> JobState | None:
    found: JobState | None = request.app.state.services.jobs.state()
    return found


def _one(request: Request, interview_id: Id) -> Interview:
    return the_current(harness(request)) if interview_id == "current" else Interview(harness(request), interview_id)


def _known(request: Request, interview: Annotated[Interview, Depends(_one)]) -> Known:
    return shelf(request).read(interview)


One = Annotated[Interview, Depends(_one)]
Read = Annotated[Known, Depends(_known)]


async def _form(request: Request) -> dict[str, str]:
    """The posted fields; empty ones are left out. 400 when they are not a form in UTF-8."""
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=False, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise HTTPException(400, f"The body is not a form: {error}") from error
    return {name: value.replace("\r\n", "\n") for name, value in pairs}


Form = Annotated[dict[str, str], Depends(_form)]


def valid(model: type[M], form: dict[str, str]) -> M:
    """Raises pydantic's `ValidationError`, which is answered with 422."""
    return model.model_validate(form)


def page(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A page of the console; `job` is shown on each."""
    known: Known | None = values.get("known")
    if known is not None:
        values.setdefault("seq", known.facts.entries)
        values.setdefault("events", f"/interviews/{known.facts.interview}/events")
    keys = request.cookies.get("console_keys", "on") != "off"
    return HTMLResponse(request.app.state.pages.render(template, job=job(request), keys=keys, **values))


def done(request: Request, said: str, where: str, go: bool = False) -> Response:
    """What was done: JSON for the page's own script, else the page again."""
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"said": said, **({"go": where} if go else {})})
    return RedirectResponse(where, 303)
