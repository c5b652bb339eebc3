"""Models that a promotion needs, trained honestly on the baseline's own data and cached beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from brownout.faults.frozen import Frozen


class Recipe(Frozen):
    """How a version is trained: `bags` boosters of `trees` trees each on row samples, averaged before the sigmoid."""

    kind: Literal["bagged"] = "bagged"
    bags: int = Field(ge=1, le=400)
    trees: int = Field(ge=1, le=2000)
    leaves: int = Field(default=31, ge=2, le=255)
    row_share: float = Field(default=0.8, gt=0, le=1)
    seed: int = 7

    @property
    def total_trees(self) -> int:
        return self.bags * self.trees
