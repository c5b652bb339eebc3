"""How far raters agree, by dimension. Shown when each of them is done, so that nobody rates after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from brownout import rubric
from brownout.facts import Facts


@dataclass(frozen=True, slots=True)
class Row:
    """One dimension. `scores` are by rater, None where it was left out; `apart` is the widest distance."""

    dimension: str
    title: str
    scores: tuple[int | None, ...]
    apart: int | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`same` and `near` count pairs of ratings that are equal, and at most one apart, among `pairs`."""

    raters: tuple[str, ...]
    rows: tuple[Row, ...]
    pairs: int
    same: int
    near: int
    mean_distance: float | None


def waiting(facts: Facts) -> tuple[str, ...]:
    """Raters who have begun or were named, and are not done."""
    return tuple(rater for rater in facts.raters if rater not in facts.raters_finished)


def of(facts: Facts, raters: Sequence[str] | None = None) -> Agreement:
    """Of the given raters; by default of all who are done."""
    who = tuple(facts.raters_finished if raters is None else raters)
    given = {(r.rater, r.dimension): r.score for r in facts.ratings}
    rows: list[Row] = []
    distances: list[int] = []
    for name, dimension in rubric.load().dimensions.items():
        scores = tuple(given.get((rater, name)) for rater in who)
        told = [score for score in scores if score is not None]
        distances += [abs(a - b) for a, b in combinations(told, 2)]
        rows.append(Row(name, dimension.title, scores, max(told) - min(told) if len(told) > 1 else None))
    return Agreement(
        raters=who,
        rows=tuple(rows),
        pairs=len(distances),
        same=sum(d == 0 for d in distances),
        near=sum(d <= 1 for d in distances),
        mean_distance=sum(distances) / len(distances) if distances else None,
    )
