"""The candidate's git checkout of the platform: made from an allow-list, with a believable history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from brownout.faults.injectors import CodeCommit
from brownout.settings import ROOT


@dataclass(frozen=True)
class Workspace:
    path: Path
    head: str
    commits: int


def make(
    path: Path,
    *,
    seed: int,
    present: datetime,
    culprits: tuple[CodeCommit, ...] = (),
    decoys: int = 5,
    source: Path = ROOT,
) -> Workspace:
    """A fresh repository at `path`, which must not exist; its newest commit is dated shortly before `present`.

    Raises `PreparationError` when `path` exists or a culprit does not fit the tree.
    """
    raise NotImplementedError
