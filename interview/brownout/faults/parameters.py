"""What a seed may change in a fault: target and magnitude, each drawn from a declared set."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from brownout.faults.frozen import Frozen
from ontime.errors import ConfigError, UnknownNameError

Value = str | int | float
Parameters = Mapping[str, Value]


class Choice(Frozen):
    """One of a few values."""

    kind: Literal["choice"] = "choice"
    of: tuple[Value, ...] = Field(min_length=1)

    def draw(self, source: random.Random) -> Value:
        return source.choice(self.of)

    def accepts(self, value: object) -> bool:
        return value in self.of

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(map(repr, self.of))

    @property
    def samples(self) -> tuple[Value, ...]:
        return self.of


class Whole(Frozen):
    """A whole number from `low` to `high`, in steps."""

    kind: Literal["whole"] = "whole"
    low: int
    high: int
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Whole:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self

    def draw(self, source: random.Random) -> Value:
        return source.randrange(self.low, self.high + 1, self.step)

    def accepts(self, value: object) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high

    @property
    def expected(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    def samples(self) -> tuple[Value, ...]:
        return (self.low, self.high)


Parameter = Annotated[Choice | Whole, Field(discriminator="kind")]


def draw(fault_id: str, declared: Mapping[str, Parameter], seed: int, given: Parameters) -> dict[str, Value]:
    """One value for every declared parameter: the given one, else the seed's. Raises on unknown names and values.

    Each parameter has a source of its own, so that adding one to a fault leaves the others of a seed as they were.
    """
    for name, value in given.items():
        if name not in declared:
            raise UnknownNameError.of(f"parameter of fault {fault_id}", name, declared)
        if not declared[name].accepts(value):
            raise ConfigError.of(f"{fault_id}.{name}", value, declared[name].expected)
    drawn: dict[str, Value] = {}
    for name, parameter in declared.items():
        own = int.from_bytes(hashlib.sha256(f"{fault_id}/{name}/{seed}".encode()).digest()[:8])
        drawn[name] = given[name] if name in given else parameter.draw(random.Random(own))  # noqa: S311 - not a secret
    return drawn
