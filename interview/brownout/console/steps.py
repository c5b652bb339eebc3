"""The preparation as a list of steps with real times, and how long each usually takes here."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from brownout import entries as e
from brownout.ledger import Entry

PLAN = (
    ("restore the baseline", "Baseline restored", 45.0),
    ("run the world", "World runs", 25.0),
    ("measure it healthy", "Measured healthy", 35.0),
    ("make the workspace", "Workspace made", 5.0),
    ("deploy it", "Workspace deployed", 15.0),
    ("inject", "Fault injected", 20.0),
    ("wait for the symptom", "Symptom observed", 60.0),
    ("freeze", "Everything frozen", 10.0),
)
"""The ledger's name, what people read, and seconds to expect where nothing is known yet."""

Status = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Stage:
    """`since` is the wall second at which it began; `usual` how many seconds it takes."""

    title: str
    status: Status
    usual: float
    since: float | None = None
    seconds: float | None = None
    detail: str = ""


def _name(step: e.Step) -> str:
    return "inject" if step.name.startswith("inject ") else step.name


def of(entries: Sequence[Entry], usual: dict[str, float]) -> list[Stage]:
    """What the ledger tells of the preparation so far; later freezes (pauses) are not its."""
    ready = next((x.seq for x in entries if isinstance(x.payload, e.Ready)), None)
    steps = [(x.wall, x.payload) for x in entries if isinstance(x.payload, e.Step) and (ready is None or x.seq < ready)]
    observed = next((x.payload.why for x in entries if isinstance(x.payload, e.SymptomObserved)), "")
    found: list[Stage] = []
    for name, title, guess in PLAN:
        mine = [(wall, step) for wall, step in steps if _name(step) == name]
        expected = usual.get(name, guess)
        if not mine:
            found.append(Stage(title, "waiting", expected))
            continue
        last = mine[-1][1]
        done = sum(step.seconds for _, step in mine if step.status != "started")
        status: Status = "running" if last.status == "started" else last.status
        detail = last.detail if status == "failed" else observed if name == "wait for the symptom" else ""
        seconds = None if status == "running" else done
        found.append(Stage(title, status, expected, mine[0][0], seconds, detail))
    return found


def usual(ledgers: Iterable[Sequence[Entry]]) -> dict[str, float]:
    """Median seconds of each step over earlier preparations."""
    seen: dict[str, list[float]] = {}
    for entries in ledgers:
        for entry in entries:
            if isinstance(entry.payload, e.Step) and entry.payload.status == "done":
                seen.setdefault(_name(entry.payload), []).append(entry.payload.seconds)
            elif isinstance(entry.payload, e.Ready):
                break
    return {name: statistics.median(seconds) for name, seconds in seen.items()}
