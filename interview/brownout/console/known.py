"""Interviews as pages read them: derived anew only when the ledger has grown."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from brownout import entries as e
from brownout.errors import LedgerError
from brownout.facts import Facts, derive
from brownout.interview import Interview, known_ids
from brownout.ledger import Entry
from brownout.settings import Harness


@dataclass(frozen=True, slots=True)
class Known:
    """One interview at one head of its ledger."""

    interview: Interview
    facts: Facts
    created: e.Created
    entries: tuple[Entry, ...]


class Shelf:
    """Keeps the newest reading of the interview that is looked at, and the facts of the others."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._lock = threading.Lock()
        self._facts: dict[str, tuple[str, Facts]] = {}
        self._last: tuple[str, str, Known] | None = None

    def read(self, interview: Interview) -> Known:
        """Raises `LedgerError` when its ledger cannot be read."""
        _, head = interview.ledger.head()
        last = self._last
        if last is not None and last[:2] == (interview.id, head):
            return last[2]
        entries = interview.ledger.entries()
        facts = derive(entries)
        created = entries[0].payload
        assert isinstance(created, e.Created)  # noqa: S101 - checked by derive
        known = Known(interview, facts, created, entries)
        with self._lock:
            self._last = (interview.id, facts.head, known)
            self._facts[interview.id] = (facts.head, facts)
        return known

    def all(self) -> tuple[list[Facts], list[str]]:
        """Facts of every interview, oldest first, and what is wrong with those that cannot be read."""
        found: list[Facts] = []
        wrong: list[str] = []
        for name in known_ids(self._harness):
            try:
                interview = Interview(self._harness, name)
                _, head = interview.ledger.head()
                kept = self._facts.get(name)
                if kept is None or kept[0] != head:
                    kept = (head, interview.facts())
                    with self._lock:
                        self._facts[name] = kept
                found.append(kept[1])
            except LedgerError as error:
                wrong.append(f"{name}: {error}")
        return found, wrong
