"""What happened to components, one JSON line each, so that a restart nobody saw can still be told."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ontime.settings import Environment

Kind = Literal["up", "running", "exited", "gave-up", "over-memory"]
UNASKED: frozenset[Kind] = frozenset({"exited", "gave-up"})


@dataclass(frozen=True, slots=True)
class Event:
    """`component` is empty for what concerns the whole stack."""

    wall: float
    kind: Kind
    component: str = ""
    note: str = ""


def path_of(environment: Environment) -> Path:
    return environment.state / "run" / "journal.jsonl"


def record(environment: Environment, kind: Kind, component: str = "", note: str = "") -> None:
    line = json.dumps(asdict(Event(round(time.time(), 3), kind, component, note)))
    with path_of(environment).open("a") as file:
        file.write(line + "\n")


def begin(environment: Environment) -> None:
    """Starts the journal of a new run of the supervisor."""
    path_of(environment).write_text("")
    record(environment, "up")


def read(environment: Environment) -> list[Event]:
    """All readable events, oldest first; a half-written last line is left out."""
    try:
        lines = path_of(environment).read_text().splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        try:
            events.append(Event(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return events


def unasked_exits(events: list[Event]) -> Counter[str]:
    """How often each component ended without being told to."""
    return Counter(event.component for event in events if event.kind == "exited")
