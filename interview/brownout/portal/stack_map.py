"""The map of the stack, healthy against now, as the platform's own monitoring tells it.

What answers may have been changed by anybody: it is checked, cut to size, and shown as text.
"""

from __future__ import annotations

from typing import Annotated, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from brownout.portal.units import band, figure

SECONDS = 2.5
MAX_BYTES = 200_000

State = Literal["ok", "warn", "bad", "unknown"]
STATES: dict[State, str] = {"ok": "as usual", "warn": "unusual", "bad": "in trouble", "unknown": "not known"}
_Word = Annotated[str, StringConstraints(max_length=160)]
_Bound = Annotated[float, Field(allow_inf_nan=False)]


class MapFact(BaseModel):
    """One figure now, and the band of healthy weeks."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    label: _Word
    value: _Bound | None = None
    unit: _Word = "number"
    usual: tuple[_Bound, _Bound] | None = None
    outside: bool = False

    @property
    def now(self) -> str:
        return figure(self.unit, self.value)

    @property
    def healthy(self) -> str:
        return band(self.unit, self.usual)

    @property
    def place(self) -> float:
        """Where the dot stands between 0 and 100: the healthy band takes 20 to 80."""
        if self.value is None or self.usual is None:
            return 50.0
        low, high = self.usual
        if high <= low:
            return 50.0 if self.value == low else 97.0
        share = (self.value - low) / (high - low)
        return round(min(max(20 + 60 * share, 3.0), 97.0), 1)


class MapPart(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    title: _Word
    role: _Word = ""
    state: State
    why: _Word = ""
    alerts: Annotated[tuple[_Word, ...], Field(max_length=40)] = ()
    facts: Annotated[tuple[MapFact, ...], Field(max_length=8)] = ()
    feeds: Annotated[tuple[_Word, ...], Field(max_length=12)] = ()

    @property
    def word(self) -> str:
        return STATES[self.state]


class StackMap(BaseModel):
    """`trouble` says why there is no map."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parts: Annotated[tuple[MapPart, ...], Field(max_length=20)] = ()
    firing: int = 0
    trouble: str = ""

    @property
    def sentence(self) -> str:
        if self.trouble:
            return self.trouble
        counts = [(sum(p.state == s for p in self.parts), STATES[s]) for s in ("bad", "warn", "unknown")]
        said = ", ".join(f"{n} {word}" for n, word in counts if n) or "everything as usual"
        alerts = f"{self.firing or 'no'} alert{'' if self.firing == 1 else 's'} firing"
        return f"{said[:1].upper()}{said[1:]}; {alerts}."


def look(dashboards_url: str, client: httpx.Client | None = None) -> StackMap:
    """Asks the dashboards. Never raises: what does not answer, or answers nonsense, is a map with `trouble`."""
    url = f"{dashboards_url.rstrip('/')}/api/overview"
    try:
        with client or httpx.Client(timeout=SECONDS, trust_env=False) as asked, asked.stream("GET", url) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    return StackMap(trouble="The dashboards answer too much to be a map.")
            if answer.status_code != httpx.codes.OK:
                return StackMap(trouble="Prometheus or the dashboards do not answer. See `make status`.")
        return StackMap.model_validate_json(body)
    except httpx.HTTPError:
        return StackMap(trouble="The dashboards do not answer. See `make status`.")
    except ValidationError:
        return StackMap(trouble="The dashboards answer something that is no map.")
