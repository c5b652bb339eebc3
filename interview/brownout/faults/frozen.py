"""The base of everything that a fault file declares: frozen, unknown keys forbidden, values checked."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
