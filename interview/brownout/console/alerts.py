"""The alerts as the candidate sees them: what the platform's Alertmanager says at the moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from brownout.http import client

KEPT_SECONDS = 3.0
TIMEOUT = httpx.Timeout(1.5, connect=0.5)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Alert:
    name: str
    severity: str
    summary: str
    since: float
    """Wall seconds."""
    muted: bool


@dataclass(frozen=True, slots=True)
class Board:
    """`why` says why nothing could be asked."""

    alerts: tuple[Alert, ...] = ()
    why: str = ""


class Alertmanager:
    """Asked at most every three seconds, however many pages are open."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._asked = -KEPT_SECONDS
        self._board = Board()

    def __call__(self) -> Board:
        with self._lock:
            if time.monotonic() - self._asked >= KEPT_SECONDS:
                self._board = self._ask()
                self._asked = time.monotonic()
            return self._board

    def _ask(self) -> Board:
        try:
            answer = client().get(f"{self._url()}/api/v2/alerts", timeout=TIMEOUT)
            answer.raise_for_status()
            found = [_alert(row) for row in answer.json()]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return Board(why="The Alertmanager does not answer at the moment.")
        return Board(tuple(sorted(found, key=lambda a: (a.muted, a.severity != "page", a.since))))


def _alert(row: dict[str, dict[str, str]]) -> Alert:
    labels, notes = row["labels"], row.get("annotations", {})
    return Alert(
        name=str(labels.get("alertname", "?"))[:80],
        severity=str(labels.get("severity", ""))[:20],
        summary=str(notes.get("summary") or notes.get("description") or "")[:_LONGEST],
        since=datetime.fromisoformat(str(row["startsAt"]).replace("Z", "+00:00")).timestamp(),
        muted=row.get("status", {}).get("state") == "suppressed",
    )
