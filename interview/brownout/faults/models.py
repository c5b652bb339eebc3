"""Versions that a promotion needs: trained honestly on the baseline's own days, once, and kept."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from brownout.faults.frozen import Frozen
from ontime.contract import FEATURE_NAMES, contract_hash

if TYPE_CHECKING:
    import lightgbm as lgb

_TREE, _END = "Tree=", "end of trees"

Leak = Literal["aircraft_prev_arr_delay", "carrier_dep_delay_mean_3h", "origin_dep_delay_mean_1h"]
"""Features that a training join can overwrite with the flight's own departure delay."""


class Recipe(Frozen):
    """A bag of boosters, each on its own sample of rows and features, averaged before the sigmoid into one model."""

    kind: Literal["bagged"] = "bagged"
    bags: int = Field(ge=1, le=200)
    trees: int = Field(default=200, ge=1, le=1000, description="Of each booster.")
    leaves: int = Field(default=31, ge=2, le=255)
    learning_rate: float = Field(default=0.06, gt=0, le=1)
    min_leaf_rows: int = Field(default=40, ge=1)
    row_share: float = Field(default=0.12, gt=0, le=1)
    feature_share: float = Field(default=0.5, gt=0, le=1)
    seed: int = 7

    @property
    def total_trees(self) -> int:
        return self.bags * self.trees

    @property
    def name(self) -> str:
        return f"{self.total_trees}-trees"


class Retraining(Frozen):
    """What the platform's own training makes, on other days, or with a feature that knows the departure delay."""

    kind: Literal["retraining"] = "retraining"
    first: date | None = Field(default=None, description="First training day; the platform's window when not given.")
    last: date | None = None
    leak: Leak | None = Field(default=None, description="The feature that holds the flight's own departure delay.")

    @property
    def name(self) -> str:
        return "retrained" if self.leak is None else "retrained-on-more"

    @model_validator(mode="after")
    def _both_days_or_none(self) -> Retraining:
        if (self.first is None) != (self.last is None) or (self.first and self.last and self.first > self.last):
            raise ValueError(f"trained from {self.first} to {self.last}; expected both days in order, or neither")
        return self


AnyRecipe = Annotated[Recipe | Retraining, Field(discriminator="kind")]


def key(recipe: AnyRecipe, first: date, last: date) -> str:
    """Names the cached model: recipe, days and feature contract."""
    told = json.dumps([recipe.model_dump(mode="json"), str(first), str(last), contract_hash()], sort_keys=True)
    return f"{recipe.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def train_bag(
    recipe: Recipe, matrix: npt.NDArray[np.float32], late: npt.NDArray[np.float64], workers: int = 2
) -> lgb.Booster:
    """Trains `recipe.bags` boosters and merges them; the same for any number of `workers`.

    Each booster trains on one thread: LightGBM's threads wait for each other by spinning, which takes minutes instead
    of seconds on a machine that is busy.
    """
    import lightgbm as lgb  # dear: whoever only names a recipe goes without

    source = np.random.default_rng(recipe.seed)
    samples = [np.sort(source.choice(len(late), int(recipe.row_share * len(late)), False)) for _ in range(recipe.bags)]

    def one(index: int) -> lgb.Booster:
        rows = samples[index]
        data = lgb.Dataset(matrix[rows], late[rows], feature_name=list(FEATURE_NAMES))
        return lgb.train(_parameters(recipe, recipe.seed + index), data, num_boost_round=recipe.trees)

    with ThreadPoolExecutor(workers) as pool:
        return merge(list(pool.map(one, range(recipe.bags))))


def _parameters(recipe: Recipe, seed: int) -> dict[str, object]:
    return {
        "objective": "binary",
        "learning_rate": recipe.learning_rate,
        "num_leaves": recipe.leaves,
        "min_data_in_leaf": recipe.min_leaf_rows,
        "feature_fraction": recipe.feature_share,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def merge(boosters: list[lgb.Booster]) -> lgb.Booster:
    """One booster whose raw score is the mean of the given ones', made of all their trees with scaled leaves."""
    import lightgbm as lgb

    texts = [booster.model_to_string() for booster in boosters]
    head = "\n".join(line for line in texts[0].split(f"\n{_TREE}", 1)[0].splitlines() if "tree_sizes=" not in line)
    trees = [tree for text in texts for tree in _trees(text)]
    blocks = [f"{_TREE}{number}\n{_scaled(tree, len(boosters))}" for number, tree in enumerate(trees)]
    parameters = texts[0][texts[0].index("\nparameters:") :]
    return lgb.Booster(model_str="\n\n".join([head, *blocks, _END]) + "\n" + parameters)


def _trees(text: str) -> list[str]:
    """The bodies of a model text's trees, without their numbers."""
    body = text.split(f"\n{_TREE}", 1)[1].split(f"\n{_END}", 1)[0]
    return [block.split("\n", 1)[1].strip() for block in body.split(f"\n{_TREE}")]


def _scaled(tree: str, count: int) -> str:
    lines = []
    for line in tree.splitlines():
        key, _, value = line.partition("=")
        if key in ("leaf_value", "internal_value"):
            line = f"{key}=" + " ".join(repr(float(v) / count) for v in value.split())
        lines.append(line)
    return "\n".join(lines)


def cached(recipe: AnyRecipe, first: date, last: date, models: Path) -> Path | None:
    """The directory below `models` of a model made before, or None."""
    directory = models / key(recipe, first, last)
    return directory if (directory / "run.json").exists() else None
