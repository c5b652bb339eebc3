"""Everything that notices looks, and what of it goes into the ledger: one entry a source and minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from brownout import entries as e
from brownout.evidence import access_logs, counters
from brownout.evidence.access_logs import AccessLog
from brownout.evidence.reads import Reads
from brownout.evidence.seen import Noticer, Seen
from brownout.settings import Harness
from ontime.settings import Environment

APART_SECONDS = 60.0
"""A page left open asks on and on: looks at one source within this time of the last entry are the same look."""


def noticers(environment: Environment, harness: Harness, workspace: Path) -> list[Noticer]:
    """Those that this machine has; each begins where the logs and counters stand now."""
    logs = {
        environment.logs / "mlflow.log": (access_logs.mlflow, "its pages were opened or its runs searched"),
        environment.logs / "airflow-api-server.log": (access_logs.airflow, "its pages were opened"),
        harness.logs / "way-in.log": (access_logs.way_in, "it was opened through the way in"),
    }
    return [
        *(AccessLog(path, source_of, what) for path, (source_of, what) in logs.items()),
        counters.dashboards(environment.dashboards_url),
        counters.prometheus(environment.prometheus_url),
        Reads(environment.state, workspace, own=logs).start(),
    ]


class Gathering:
    """Folds what is noticed into looks, at most one a source and minute."""

    def __init__(self, noticing: Iterable[Noticer], now: Callable[[], float] = time.time) -> None:
        self._noticing = list(noticing)
        self._now = now
        self._last: dict[str, float] = {}
        self._waiting: dict[str, Seen] = {}
        self._begun = False

    def look(self) -> list[e.Consulted]:
        """Entries for the ledger. The first look finds nothing."""
        for seen in [found for noticer in self._noticing for found in noticer.look()]:
            if self._begun:
                before = self._waiting.get(seen.source)
                self._waiting[seen.source] = Seen(seen.source, seen.what, seen.times + (before.times if before else 0))
        self._begun = True
        return list(self._told())

    def _told(self) -> Iterator[e.Consulted]:
        now = self._now()
        for source, seen in list(self._waiting.items()):
            if now - self._last.get(source, float("-inf")) >= APART_SECONDS:
                self._last[source] = now
                del self._waiting[source]
                yield e.Consulted(source=source, what=seen.what, asked=seen.times)

    def stop(self) -> None:
        for noticer in self._noticing:
            noticer.stop()
