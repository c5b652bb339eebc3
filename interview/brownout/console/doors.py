"""Who may enter the console: the interviewer's token becomes a cookie; a second rater's link opens one page alone.

A cookie holds no secret of the harness: it is a sealed sentence (who, until when), so that a new proctor knows the old
one's cookies and a new token ends them all. What changes something must come from the console's own pages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "console"
RATER_COOKIE = "rater"
LIVES_SECONDS = 12 * 3600
LINK_LIVES_SECONDS = 7 * 86_400
SAFE = ("GET", "HEAD", "OPTIONS")

Role = Literal["interviewer", "rater"]


@dataclass(frozen=True, slots=True)
class Seal:
    """What a sealed sentence says. `interview` and `rater` are empty for the interviewer."""

    role: Role
    interview: str = ""
    rater: str = ""


class EntryNeededError(Exception):
    """A browser without a valid cookie asked for a page: it is sent to the entry."""


class Doors:
    def __init__(self, token: str, url: str) -> None:
        """`url` is the console's base URL: requests for another host, and posts from another origin, are refused."""
        self._token = token
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.host = parts.netloc
        self.secure = parts.scheme == "https"
        self._key = hashlib.sha256(b"console cookie, version 1\0" + token.encode()).digest()

    def is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def seal(self, what: Seal, lives: float = LIVES_SECONDS) -> str:
        said = json.dumps([what.role, what.interview, what.rater, int(time.time() + lives)], ensure_ascii=False)
        body = base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
        return f"{body}.{self._mac(body)}"

    def open(self, sealed: str) -> Seal | None:
        """None for anything that was not sealed here or has expired."""
        body, _, mac = sealed.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        try:
            role, interview, rater, until = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except ValueError:
            return None
        return Seal(role, interview, rater) if time.time() < until else None

    def _mac(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()

    def give(self, answer: Response, what: Seal) -> None:
        """Puts the cookie on `answer`."""
        rating = what.role == "rater"
        answer.set_cookie(
            RATER_COOKIE if rating else COOKIE,
            self.seal(what),
            max_age=LIVES_SECONDS,
            path="/rate" if rating else "/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )


class OwnHost:
    """421 for another host's name (a rebound DNS name), 403 for a change that another origin's page asks for."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"] == "/healthz":
            return None
        if headers.get("host", "") != self._doors.host:
            return JSONResponse({"error": f"The console answers to {self._doors.origin} alone."}, 421)
        if scope["method"] in SAFE:
            return None
        origin = headers.get("origin")
        own = origin == self._doors.origin if origin is not None else headers.get("sec-fetch-site") == "same-origin"
        if own or (origin is None and headers.get("authorization", "").lower().startswith("bearer ")):
            return None
        return JSONResponse({"error": "This did not come from a page of the console. Use the page itself."}, 403)


def wants_page(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _refuse(request: Request, code: int, why: str) -> Exception:
    if code == 401 and wants_page(request):
        return EntryNeededError()
    return HTTPException(code, why, {"WWW-Authenticate": "Bearer"} if code == 401 else None)


def interviewer(request: Request) -> None:
    """Lets the interviewer's cookie or token through; a rater's link is 403, anything else 401 or the entry page."""
    doors: Doors = request.app.state.doors
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if given and kind.lower() == "bearer":
        if doors.is_token(given.strip()):
            return
        raise _refuse(request, 401, "This is not the interviewer's token.")
    seal = doors.open(request.cookies.get(COOKIE, ""))
    if seal is None:
        raise _refuse(request, 401, "Enter first: `make console` opens the page.")
    if seal.role != "interviewer":
        raise _refuse(request, 403, "A rater's link opens the rating page alone.")


def rater(request: Request) -> Seal:
    """The seal of a second rater's link."""
    doors: Doors = request.app.state.doors
    seal = doors.open(request.cookies.get(RATER_COOKIE, ""))
    if seal is None or seal.role != "rater":
        raise _refuse(request, 401, "Open the link that the interviewer gave you.")
    return seal


def entry_for(request: Request) -> str:
    """Where a browser enters, and where it wanted to go."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/enter?next={quote(wanted)}"


def local(path: Any) -> str:
    """`path` when it is one of the console's own, else the front page."""
    text = str(path or "")
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() else "/"
