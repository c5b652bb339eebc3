"""What Alertmanager has sent: the newest notifications, in memory."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

KEPT = 200


class Notice(BaseModel):
    """One alert of a webhook call; fields that the page does not show are ignored."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    startsAt: datetime  # noqa: N815


class Notification(BaseModel):
    """The body of Alertmanager's webhook, version 4."""

    alerts: list[Notice]


@dataclass(frozen=True, slots=True)
class Entry:
    received_at: datetime
    alert: str
    severity: str
    status: str
    summary: str
    what: str


class Inbox:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, notification: Notification) -> None:
        now = datetime.fromtimestamp(time.time(), UTC)
        for notice in notification.alerts:
            labels = {key: value for key, value in notice.labels.items() if key not in ("alertname", "severity")}
            self._entries.appendleft(
                Entry(
                    now,
                    notice.labels.get("alertname", "?"),
                    notice.labels.get("severity", "?"),
                    notice.status,
                    notice.annotations.get("summary", ""),
                    ", ".join(f"{key} {value}" for key, value in sorted(labels.items())),
                )
            )

    def entries(self) -> list[Entry]:
        """Newest first."""
        return list(self._entries)
