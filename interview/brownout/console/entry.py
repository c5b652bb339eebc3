"""The door: a token becomes a cookie. The token comes in the link's fragment, which no server and no log sees."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from brownout.console import doors as d
from brownout.console.given import Form

router = APIRouter()


@router.get("/enter")
def door(request: Request, next: str = "/") -> HTMLResponse:
    return HTMLResponse(request.app.state.pages.render("enter.html.j2", target=d.local(next), wrong=False))


@router.post("/enter")
def enter(request: Request, form: Form) -> Response:
    doors: d.Doors = request.app.state.doors
    wanted = d.local(form.get("next"))
    asks_json = "application/json" in request.headers.get("accept", "")
    if not doors.is_token(form.get("token", "").strip()):
        if asks_json:
            raise HTTPException(401, "This is not the token of this harness. `make console` prints the right link.")
        shown = request.app.state.pages.render("enter.html.j2", target=wanted, wrong=True)
        return HTMLResponse(shown, 401)
    answer: Response = JSONResponse({"go": wanted}) if asks_json else RedirectResponse(wanted, 303)
    doors.give(answer, d.Seal("interviewer"))
    return answer


@router.post("/leave")
def leave(_: Annotated[None, Depends(d.interviewer)]) -> Response:
    answer = RedirectResponse("/enter", 303)
    answer.delete_cookie(d.COOKIE, path="/", httponly=True, samesite="strict")
    return answer
