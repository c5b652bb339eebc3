"""The portal's pages. They show what `brownout.portal` gathers, and need nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from brownout.interview import CODE_LIVES_SECONDS, Interview
from brownout.pages.headers import HEADERS
from brownout.pages.rendering import Pages
from brownout.portal import guide, links, stack_map, view
from brownout.proctor import auth
from ontime.settings import environment

HERE = Path(__file__).resolve().parents[1] / "portal"
PAGES = Pages(HERE, root=".")
"""Addresses are relative: the same page is reached directly and below the one port's prefix."""

router = APIRouter(prefix="/portal", include_in_schema=False)
Mine = Annotated[Interview, Depends(auth.candidate)]


def static() -> StaticFiles:
    return PAGES.files()


def _render(template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    return HTMLResponse(PAGES.render(f"{template}.html.j2", **shown), status, {**HEADERS, "Cache-Control": "no-store"})


def _known(request: Request, interview: Interview) -> list[links.Link]:
    """Links that lead the same way as this request came."""
    prefix = request.headers.get("x-proxycontextpath", "")
    if prefix.endswith(f"/{links.OWN_NAME}") and prefix.startswith("/") and not prefix.startswith("//"):
        return links.below(prefix)
    return links.direct(environment(), interview.harness)


def _shown(request: Request, interview: Interview) -> dict[str, Any]:
    return {
        "view": view.of(interview),
        "links": _known(request, interview),
        "ways": guide.WAYS,
        "hint_cost": guide.HINT_COST,
        "finding_rule": guide.FINDING_RULE,
        "components": view.COMPONENTS,
        "failure_classes": view.FAILURE_CLASSES,
    }


@router.get("/")
def home(request: Request) -> Response:
    """The first thing that a candidate sees; asks for the code when it is missing."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.cookies.get(auth.COOKIE, "")
    interview = request.app.state.doors.candidates(given) if given else None
    if interview is None:
        return _render("door", 401, tried=bool(given))
    return _render("home", **_shown(request, interview))


@router.post("/enter")
async def enter(request: Request) -> Response:
    """Exchanges the code for a cookie that no script can read and no other site can use."""
    auth.same_site(request)
    body = await request.body()
    code = parse_qs(body.decode(errors="replace")).get("code", [""])[0].strip().lower()
    if request.app.state.doors.candidates(code) is None:
        return _render("door", 401, tried=True)
    answer = RedirectResponse("./", 303, HEADERS)
    answer.set_cookie(auth.COOKIE, code, max_age=int(CODE_LIVES_SECONDS), httponly=True, samesite="strict", path="/")
    return answer


@router.get("/stack")
def stack(interview: Mine) -> Response:
    """The map alone, to be put into the page."""
    return _render("stack", found=stack_map.look(environment().dashboards_url))


@router.get("/said")
def said(request: Request, interview: Mine) -> Response:
    """Findings, hints and the hand-over note alone, to be put into the page."""
    return _render("said", **_shown(request, interview))


@router.get("/{missing:path}")
def missing(missing: str) -> Response:
    raise HTTPException(404, "There is no such page of the portal.")
