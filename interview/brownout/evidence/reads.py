"""Reads of files that nobody but a person reads: logs, Evidently's reports, the workspace's history, feature views.

The kernel tells of files that were opened for reading and closed again (inotify, on Linux); it does not tell by whom.
Git reads its own objects whenever it writes, so reads around a commit or a deploy are no look at the history.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import (
    FileClosedEvent,
    FileClosedNoWriteEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from brownout.evidence.seen import Seen

AROUND_SECONDS = 15.0
"""Reads in the workspace so near to a write of git's own are part of that: it looks at files as well as at objects."""
IN_WORKSPACE = ("git", "feature_store")
WHAT = {
    "logs": "a component's log was read",
    "reports": "a report's file was read",
    "git": "the workspace's history was read",
    "feature_store": "the feature views' definitions were read",
}


class Reads(FileSystemEventHandler):
    """`own`: files that the harness itself reads here. `lately`: wall second of the last deploy, asked at each look."""

    def __init__(
        self, state: Path, workspace: Path, own: Iterable[Path] = (), now: Callable[[], float] = time.time
    ) -> None:
        self._roots = {
            "logs": state / "log",
            "reports": state / "reports",
            "git": workspace / ".git",
            "feature_store": workspace / "feature_repo",
        }
        self._current = state / "current"
        self._own = {str(path) for path in own}
        self._now = now
        self._lock = threading.Lock()
        self._read: list[tuple[float, str]] = []
        self._wrote: list[float] = []
        self._observer = Observer()

    def start(self) -> Reads:
        """Begins to listen; what is not there, or cannot be listened to, is left out."""
        if not sys.platform.startswith("linux"):
            return self
        kinds = [FileClosedNoWriteEvent, FileClosedEvent, FileMovedEvent]
        for root in self._roots.values():
            if root.is_dir():
                self._observer.schedule(self, str(root), recursive=root.name != "log", event_filter=kinds)
        self._observer.start()
        return self

    def stop(self) -> None:
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(timeout=5.0)

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = str(event.src_path)
        source = self.source_of(path)
        if source is None or path in self._own:
            return
        with self._lock:
            if not isinstance(event, FileClosedNoWriteEvent):
                if source == "git":
                    self._wrote.append(self._now())
            elif self._is_look(source, path):
                self._read.append((self._now(), source))

    def source_of(self, path: str) -> str | None:
        return next((name for name, root in self._roots.items() if path.startswith(f"{root}/")), None)

    def _is_look(self, source: str, path: str) -> bool:
        if source == "git":
            return "/.git/objects/" in path or path.endswith("/.git/logs/HEAD")
        return source != "reports" or not path.endswith((".json", ".lock")) or path.endswith("evidently.json")

    def look(self) -> Iterable[Seen]:
        """Reads in the workspace wait until it is known whether a write of git's came with them."""
        now = self._now()
        with self._lock:
            ripe = [
                (at, source) for at, source in self._read if source not in IN_WORKSPACE or at < now - AROUND_SECONDS
            ]
            self._read = [read for read in self._read if read not in ripe]
            wrote = [*self._wrote, *self._deployed()]
            self._wrote = [at for at in self._wrote if at > now - 4 * AROUND_SECONDS]
        looks = (source for at, source in ripe if source not in IN_WORKSPACE or not _near(at, wrote))
        return [Seen(source, WHAT[source], times) for source, times in Counter(looks).items()]

    def _deployed(self) -> list[float]:
        try:
            return [self._current.lstat().st_mtime]
        except OSError:
            return []


def _near(at: float, moments: Iterable[float]) -> bool:
    return any(abs(at - moment) <= AROUND_SECONDS for moment in moments)
