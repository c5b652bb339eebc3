"""The proctor's eye: while an interview runs, looks at probes and changes; after the close, until the watch is over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from brownout import entries as e
from brownout.evidence.gathering import Gathering
from brownout.facts import Facts
from brownout.faults import discover
from brownout.interview import Interview, current
from brownout.lifecycle import watched_by
from brownout.probes import ProbeView
from brownout.proctor.changes import Changes
from brownout.proctor.looks import Looks
from brownout.proctor.prober import Prober
from brownout.scorecard import render
from brownout.settings import Harness
from ontime.errors import OntimeError

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.5
ViewOf = Callable[[e.Healthy | None, float | None, float], ProbeView]


class Watch:
    """One thread. What fails in it is noted as the harness's own trouble and tried again."""

    def __init__(
        self,
        harness: Harness,
        view_of: ViewOf,
        changes: Callable[[Path], Changes],
        world_alive: Callable[[], bool],
        gathering: Callable[[], Gathering] | None = None,
        looks: Looks | None = None,
    ) -> None:
        """`gathering` begins to notice what is looked at; without it nobody does."""
        self._harness = harness
        self._view_of = view_of
        self._changes_of = changes
        self._world_alive = world_alive
        self._gathering_of = gathering
        self._gathering: Gathering | None = None
        self._looks = looks or Looks()
        self._stop = threading.Event()
        self._id: str | None = None
        self._seen = (0, "")
        self._facts: Facts | None = None
        self._prober: Prober | None = None
        self._changes: Changes | None = None
        self._world_missing = False
        self._said: set[str] = set()

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            interview: Interview | None = None
            try:
                interview = current(self._harness)
                if interview is not None:
                    self.look(interview)
            except Exception as error:  # the eye must stay open; what went wrong is told once
                self._trouble(interview, f"{type(error).__name__}: {error}")

    def look(self, interview: Interview) -> None:
        """One look at the current interview."""
        facts = self._known(interview)
        if facts.state == "closed" and facts.watching and time.time() >= (facts.watch_until or 0.0):
            interview.add("proctor", e.WatchEnded())
            render.write(interview)
            return
        if facts.state == "ready" and self._changes is None:
            self._changes = self._changes_of(interview.folder / "seen.json")
            self._changes.look()
        if not (facts.state == "running" or (facts.state == "closed" and facts.watching)):
            self._prober = None
            self._end_gathering()
            self._looks.forget()
            return
        if self._prober is None or self._changes is None:
            self._begin(interview, facts)
            return
        for seen in self._changes.look():
            if seen.entry is not None:
                interview.add("proctor", seen.entry)
            self._prober.changed(time.time())
        self._looks.note(interview.id, self._prober.look())
        self._look_at_world(interview)
        self._gather(interview, facts)

    def _gather(self, interview: Interview, facts: Facts) -> None:
        """Notes what was looked at while the interview runs; after the close nobody's looks count."""
        if facts.state != "running":
            self._end_gathering()
            return
        if self._gathering is None and self._gathering_of is not None:
            self._gathering = self._gathering_of()
        for consulted in self._gathering.look() if self._gathering else ():
            interview.add("proctor", consulted)

    def _end_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.stop()
            self._gathering = None

    def _known(self, interview: Interview) -> Facts:
        """Facts, derived anew only when the ledger has grown."""
        head = interview.ledger.head()
        if interview.id != self._id:
            self._id, self._prober, self._changes = interview.id, None, None
            self._end_gathering()
            self._facts = None
        if self._facts is None or head != self._seen:
            self._seen, self._facts = head, interview.facts()
        return self._facts

    def _begin(self, interview: Interview, facts: Facts) -> None:
        entries = interview.ledger.entries()
        healthy = next((x.payload for x in reversed(entries) if isinstance(x.payload, e.Healthy)), None)
        last = next((x.wall for x in reversed(entries) if isinstance(x.payload, e.Change | e.Released)), 0.0)
        onset = facts.onset[1] if facts.onset else None
        view = self._view_of(healthy, onset, last)
        self._prober = Prober(interview, view, watched_by(interview.created, discover()))
        self._changes = self._changes or self._changes_of(interview.folder / "seen.json")

    def _look_at_world(self, interview: Interview) -> None:
        missing = not self._world_alive()
        if missing and not self._world_missing:
            interview.add("proctor", e.HarnessTrouble(part="world", what="the world does not answer"))
        self._world_missing = missing

    def _trouble(self, interview: Interview | None, what: str) -> None:
        if what in self._said:
            return
        self._said.add(what)
        log.exception("looking at the interview failed")
        if interview is not None:
            try:
                interview.add("proctor", e.HarnessTrouble(part="proctor", what=what[:400]))
            except OntimeError:
                log.exception("and could not be noted")
