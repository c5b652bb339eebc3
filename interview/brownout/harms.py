"""What was made worse: guards that were ok and broke, with the change that they followed. Pure: entries in, facts out.

A guard that was never seen ok is held against nobody, nor is what breaks before the start or, without a change made
before it, after the close. `unknown` neither breaks nor heals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from brownout import entries as e
from brownout.ledger import Entry


@dataclass(frozen=True, slots=True)
class Harm:
    """One guard from its first `broken` to its next `ok`; `healed` is None while it stays broken.

    `change` is the last change of the platform before it, when one is near enough to have done it.
    """

    probe: str
    broken: Entry
    why: str
    change: Entry | None
    healed: Entry | None


def harms(
    entries: Sequence[Entry], record: e.FaultRecord, gap: Callable[[float, float], float], within: float
) -> list[Harm]:
    """Harms of one fault's guards in the order of their breaking.

    `gap(a, b)` is the seconds from wall `a` to wall `b` without pauses; a change is near within `within` of them.
    """
    started = next((x.wall for x in entries if isinstance(x.payload, e.Started)), None)
    if started is None:
        return []
    closed = next((x.wall for x in entries if isinstance(x.payload, e.Closed)), float("inf"))
    found: list[Harm] = []
    for probe in record.guard_probes:
        found += [
            harm
            for harm in _of(probe, record.fault, entries, gap, within)
            if harm.broken.wall >= started
            and (harm.broken.wall <= closed or (harm.change is not None and harm.change.wall <= closed))
        ]
    return sorted(found, key=lambda harm: harm.broken.seq)


def _of(
    probe: str, fault: str, entries: Sequence[Entry], gap: Callable[[float, float], float], within: float
) -> Iterator[Harm]:
    open_: Harm | None = None
    was_ok, change = False, None
    for entry in entries:
        match entry.payload:
            case e.Change():
                change = entry
            case e.ProbeChanged(status="ok") as payload if (payload.fault, payload.probe) == (fault, probe):
                if open_ is not None:
                    yield replace(open_, healed=entry)
                open_, was_ok = None, True
            case e.ProbeChanged(status="broken") as payload if (payload.fault, payload.probe) == (fault, probe):
                if was_ok and open_ is None:
                    near = change is not None and gap(change.wall, entry.wall) <= within
                    open_ = Harm(probe, entry, payload.why, change if near else None, None)
    if open_ is not None:
        yield open_
