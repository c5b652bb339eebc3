"""How far upstream has told us everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime.fromtimestamp(0, UTC)


class Watermark:
    """World time up to which events are taken to be complete.

    Upstream sends in the order of availability, so its latest event speaks for everything before it. When it is silent
    for longer than `quiet`, nothing has happened.
    """

    def __init__(self, quiet: timedelta) -> None:
        self._quiet = quiet
        self._latest: dict[str, datetime] = {}

    def observe(self, kind: str, available_at: datetime) -> None:
        self._latest[kind] = max(available_at, self._latest.get(kind, EPOCH))

    def at(self, now: datetime) -> datetime:
        told = max(self._latest.values(), default=EPOCH)
        return min(now, max(told, now - self._quiet))
