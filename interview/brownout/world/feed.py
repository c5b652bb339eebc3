"""What upstream sends instead of the truth, from a world moment on.

The canonical events stay what they are; a change applies on the way out, to events and to prediction requests alike.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from brownout.errors import WorldError
from ontime.files import replace_text

Kind = Literal["schedule", "departure", "arrival", "cancellation", "weather", "request"]


class FeedChange(BaseModel):
    """One field of the given kinds is sent differently. Numbers: value × `factor` + `offset`; codes: through `mapping`.

    A null stays null; a value that `mapping` does not name stays as it is. `where` limits the change to rows whose
    fields have these values. "request" is a flight asked about, which has the fields of a schedule event's flight.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    kinds: tuple[Kind, ...] = Field(min_length=1)
    factor: float = 1.0
    offset: float = 0.0
    mapping: dict[str, str | float | None] = Field(default_factory=dict)
    where: dict[str, str | float] = Field(default_factory=dict)
    from_world: float = Field(description="Unix world seconds from which on upstream sends it so.")

    @model_validator(mode="after")
    def _changes_something(self) -> FeedChange:
        if self.factor == 1.0 and self.offset == 0.0 and not self.mapping:
            raise ValueError(f"the change of {self.field!r} changes nothing; expected a factor, an offset or a mapping")
        return self

    def value(self, value: Any) -> Any:
        if value is None:
            return None
        if str(value) in self.mapping:
            return self.mapping[str(value)]
        if isinstance(value, int | float):
            return value * self.factor + self.offset
        return value


class Feed:
    """The changes in force, kept in a file so that a restarted world sends the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.changes: tuple[FeedChange, ...] = ()
        try:
            self.changes = parse(json.loads(path.read_text()))
        except FileNotFoundError:
            pass
        except ValueError as error:
            raise WorldError(f"{path} is not a feed: {error}. Restore a baseline, or remove the file.") from error

    def change(self, changes: tuple[FeedChange, ...]) -> None:
        """Replaces all changes."""
        replace_text(self._path, json.dumps({"changes": [change.model_dump() for change in changes]}))
        self.changes = changes

    def send(self, kind: str, body: dict[str, Any], world: float) -> dict[str, Any]:
        """`body` as it leaves upstream at `world`; the given one is not touched."""
        if kind == "schedule":
            flight = self._changed(kind, body["flight"], world)
            return body if flight is body["flight"] else {**body, "flight": flight}
        return self._changed(kind, body, world)

    def _changed(self, kind: str, fields: dict[str, Any], world: float) -> dict[str, Any]:
        changed = fields
        for change in self.changes:
            if kind not in change.kinds or world < change.from_world or change.field not in fields:
                continue
            if any(fields.get(name) != value for name, value in change.where.items()):
                continue
            changed = {**changed, change.field: change.value(changed[change.field])}
        return changed


def parse(document: Any) -> tuple[FeedChange, ...]:
    """Changes from `{"changes": […]}`. Raises `ValueError` naming field, value and expectation."""
    if not isinstance(document, dict) or not isinstance(document.get("changes"), list):
        raise ValueError('expected {"changes": [...]}')
    try:
        return tuple(FeedChange.model_validate(change) for change in document["changes"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where or 'change'}: {first['msg']}; received {first['input']!r:.200}") from error
