"""What the live pages show, beyond what facts say themselves: the next hint, what can be undone, rows of the strip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from brownout import entries as e
from brownout.console import plots
from brownout.console.known import Known
from brownout.facts import Facts, FaultFacts, FindingFacts, HintFacts

MOMENTS = ("injected", "symptom_observed", "found", "mitigated", "fixed")
SHOWN_CHANGES = 8


@dataclass(frozen=True, slots=True)
class Card:
    """One fault: what is known of it, what the ledger's first entry says of it, and its curves."""

    number: int
    facts: FaultFacts
    record: e.FaultRecord
    curves: tuple[plots.Curve, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """One finding; `verdict_seq` is the entry that an undo takes back, `guides` what to hold it against."""

    facts: FindingFacts
    judged: bool
    verdict_seq: int | None
    suggested_why: str
    guides: tuple[e.FaultRecord, ...]

    @property
    def waits(self) -> bool:
        """For the interviewer's word; a suspicion needs none."""
        return not self.judged and self.facts.certainty == "conclusion"


@dataclass(frozen=True, slots=True)
class Rung:
    """One hint of the ladder; `following` is the one that comes next."""

    text: str
    given: HintFacts | None
    following: bool


@dataclass(frozen=True, slots=True)
class Source:
    """One row of the evidence strip: where was looked, how often, and when as shares of the time so far."""

    name: str
    looks: int
    places: tuple[float, ...]
    last: float | None


def cards(known: Known) -> list[Card]:
    drawn = plots.curves(known)
    records = {record.fault: record for record in known.created.faults}
    return [
        Card(number, fault, records[fault.fault], tuple(drawn.get(fault.fault, ())))
        for number, fault in enumerate(known.facts.faults, start=1)
    ]


def _undone(known: Known) -> set[int]:
    return {entry.payload.seq for entry in known.entries if isinstance(entry.payload, e.Undone)}


def findings(known: Known) -> list[Stated]:
    """Newest first; those that wait for the interviewer's word come before all others."""
    undone = _undone(known)
    verdicts = {
        x.payload.finding: x.seq for x in known.entries if isinstance(x.payload, e.Verdict) and x.seq not in undone
    }
    stated = {x.payload.finding: x.payload for x in known.entries if isinstance(x.payload, e.Finding)}
    records = {record.fault: record for record in known.created.faults}
    found: list[Stated] = []
    for finding in reversed(known.facts.findings):
        said = stated[finding.number]
        about = said.suggested_fault or finding.fault
        guides = (records[about],) if about in records else known.created.faults
        judged = finding.judged_by == "interviewer"
        found.append(Stated(finding, judged, verdicts.get(finding.number), said.suggested_why, guides))
    return sorted(found, key=lambda stated: not stated.waits)


def ladder(known: Known) -> list[tuple[str, list[Rung]]]:
    """Rungs by fault title, in the order in which they are handed out."""
    given = {(hint.fault, hint.text): hint for hint in known.facts.hints}
    found = {fault.fault for fault in known.facts.faults if fault.found is not None}
    order = sorted(known.created.faults, key=lambda record: record.fault in found)
    following = next(((r.fault, t) for r in order for t in r.hints if (r.fault, t) not in given), None)
    return [(r.title, [Rung(t, given.get((r.fault, t)), (r.fault, t) == following) for t in r.hints]) for r in order]


def evidence(facts: Facts, now: float) -> list[Source]:
    """Most looked at first."""
    span = max(facts.elapsed_at(now), 60.0)
    by: dict[str, list[Any]] = {}
    for look in getattr(facts, "evidence", ()):
        by.setdefault(look.source, []).append(look)
    rows = [
        Source(
            name=source.replace("_", " "),
            looks=sum(look.asked for look in looks),
            places=tuple(round(min(max((x.at.elapsed or 0.0) / span, 0.0), 1.0), 4) for x in looks),
            last=looks[-1].at.elapsed,
        )
        for source, looks in by.items()
    ]
    return sorted(rows, key=lambda row: -row.looks)


def clock(facts: Facts, now: float) -> dict[str, Any]:
    """Seconds used and left at `now`, and whether they move."""
    return {
        "used": round(facts.elapsed_at(now), 1),
        "left": round(facts.left_at(now), 1),
        "box": facts.time_box_minutes * 60,
        "runs": facts.state == "running",
        "at": round(now, 2),
    }


def changes(facts: Facts) -> Sequence[Any]:
    """What acted on the platform since the start, newest first: what anyone can see on it too."""
    return [item for item in reversed(facts.timeline) if item.kind == "change" and (item.at.elapsed or 0) >= 0]


def live(known: Known) -> dict[str, Any]:
    now = time.time()
    return {
        "facts": known.facts,
        "clock": clock(known.facts, now),
        "cards": cards(known),
        "findings": findings(known),
        "ladder": ladder(known),
        "evidence": evidence(known.facts, now),
        "changes": changes(known.facts)[:SHOWN_CHANGES],
        "world": known.interview.world(),
    }
