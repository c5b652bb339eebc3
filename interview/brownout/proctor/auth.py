"""Who may ask what: the interviewer's bearer token, or the candidate's code of the current interview."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from brownout.interview import Interview, current
from brownout.settings import Harness

COOKIE = "oncall"
"""Holds the candidate's code in a browser that came without the one port's proxy."""
SAFE = ("GET", "HEAD", "OPTIONS")

_bearer = HTTPBearer(auto_error=False, description="The interviewer's token, or the candidate's code.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Doors:
    """Compares in constant time; says no more than yes, no, or not here."""

    def __init__(self, harness: Harness, token: str) -> None:
        self._harness = harness
        self._token = token

    def is_interviewer(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def candidates(self, given: str) -> Interview | None:
        """The current interview when `given` is its code and has not expired."""
        interview = current(self._harness)
        access = interview.access() if interview is not None else None
        if access is None or not hmac.compare_digest(given.encode(), access.code.encode()):
            return None
        return interview


def _unauthorized() -> HTTPException:
    return HTTPException(
        401, "No valid token or code. It stands in the `Authorization: Bearer` header.", {"WWW-Authenticate": "Bearer"}
    )


def interviewer(request: Request, credentials: Credentials) -> None:
    """Lets the interviewer's token through; 403 for a candidate's code, 401 for anything else."""
    doors: Doors = request.app.state.doors
    if credentials is None:
        raise _unauthorized()
    if doors.is_interviewer(credentials.credentials):
        return
    if doors.candidates(credentials.credentials) is not None:
        raise HTTPException(403, "The candidate's code does not open this.")
    raise _unauthorized()


def same_site(request: Request) -> None:
    """403 for a browser's request that another site's page caused: the code is added to those too."""
    site = request.headers.get("sec-fetch-site", "")
    if request.method in SAFE or site in ("", "same-origin", "none"):
        return
    raise HTTPException(403, "This came from another site's page. Use the page itself.")


def candidate(request: Request, credentials: Credentials) -> Interview:
    """The interview that the code opens, in the header or in the portal's cookie.

    403 for the interviewer's token and for what another site's page sends, 401 for anything else.
    """
    doors: Doors = request.app.state.doors
    given = credentials.credentials if credentials is not None else request.cookies.get(COOKIE)
    if not given:
        raise _unauthorized()
    same_site(request)
    interview = doors.candidates(given)
    if interview is not None:
        return interview
    if doors.is_interviewer(given):
        raise HTTPException(403, "This is the candidate's. The same is below /interviews for you.")
    raise _unauthorized()
