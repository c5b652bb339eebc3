"""The candidate's git checkout of the platform: made from an allow-list, with a believable history.

Written backwards: the finished tree first, then commits are taken back from it; culprits are laid on top of the rest.
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import fill
from zoneinfo import ZoneInfo

from brownout.errors import PreparationError
from brownout.faults.injectors import CodeCommit
from brownout.history.noise import scatter
from brownout.history.steps import DECOYS, Addition, Change, addition, addition_in
from brownout.history.steps import decoys as make_decoys
from brownout.history.tree import Tree, read
from brownout.history.writer import Commit, write
from brownout.settings import ROOT
from ontime.errors import ConfigError

OWN = ROOT / "interview" / "workspace"
MIN_COMMITS, MAX_COMMITS = 17, 24
DAYS = 14
RECENT = 5
TRIES = 600
FEW_RULES = 3
EARLIEST_PLACE, LATEST_PLACE = 5, 2
"""A culprit has between two and five commits after it (before other culprits are put in)."""
NEW_YORK = ZoneInfo("America/New_York")
FIRST_SUBJECT = "The platform in a repository of its own"


@dataclass(frozen=True)
class Workspace:
    path: Path
    head: str
    commits: int
    differences: int
    """Harmless hunks by which the tree differs from the public repository."""


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

    The same seed, present and checkout give the same commits, byte for byte. Raises `PreparationError` when `path`
    exists, a culprit does not fit the tree, or too little could be varied around it.
    """
    if path.exists():
        raise PreparationError(f"{path} exists already. Remove it: a workspace is made from nothing.")
    draw = random.Random(f"workspace/{seed}")  # noqa: S311 - not a secret
    tree = read(source, OWN)
    suspects = [Change(c.subject, c.role, c.edits, c.body) for c in culprits]
    touched = {path for suspect in suspects for path in suspect.paths}
    try:
        _apply(tree, suspects)
        hunks = scatter(tree, draw, [*sorted(touched), *_siblings(tree, touched, draw)], lambda t: _hold(t, suspects))
        finished = dict(tree)
        steps = _taken_back(tree, draw, suspects, decoys)
        commits = _played(tree, finished, steps, _dates(draw, present, len(steps) + 1))
    except ConfigError as error:
        raise PreparationError(f"A commit does not fit the tree: {error}") from error
    return Workspace(path, write(path, commits), len(commits), len(hunks))


def _siblings(tree: Tree, touched: set[str], draw: random.Random) -> list[str]:
    """Other files of the culprits' directories, so that theirs is not the only one that differs there."""
    homes = {path.rpartition("/")[0] for path in touched if "/" in path}
    beside = sorted(path for path in tree if path.rpartition("/")[0] in homes and path not in touched)
    rules = {home: [path for path in beside if path.startswith(f"{home}/") and path.endswith(".yml")] for home in homes}
    few = [path for _, found in sorted(rules.items()) for path in draw.sample(found, min(FEW_RULES, len(found)))]
    return [*(path for path in beside if path.endswith(".py")), *few]


def _apply(tree: Tree, changes: Sequence[Change]) -> Tree:
    """The tree with the edits made; the given one stays. Raises `ConfigError` when one does not fit."""
    changed = dict(tree)
    for edit in (edit for change in changes for edit in change.edits):
        if edit.path not in changed:
            raise ConfigError(f"Edit of {edit.path}: no such file in the workspace. Correct the edit's path.")
        changed[edit.path] = edit.applied(changed[edit.path].decode()).encode()
    return changed


def _hold(tree: Tree, suspects: Sequence[Change]) -> None:
    """Raises `ConfigError` when a culprit, or a decoy that fits the public tree, would not fit any more."""
    _apply(tree, suspects)
    for decoy in DECOYS:
        text = tree.get(decoy.edit.path, b"").decode()
        if decoy.edit.new not in text and decoy.edit.path != "ontime.toml":
            raise ConfigError(f"Decoy {decoy.subject!r} does not fit any more.")


def _taken_back(tree: Tree, draw: random.Random, suspects: list[Change], decoys: int) -> list[Addition | Change]:
    """All commits but the first, oldest first; `tree` becomes what the first one holds."""
    touched = {path for suspect in suspects for path in suspect.paths}
    largest = _largest(tree, suspects)
    odd = make_decoys(tree, draw, decoys, touched)
    used = touched | {path for change in odd for path in change.paths}
    near = _near(tree, draw, touched - {path for change in odd for path in change.paths})
    wanted = draw.randint(MIN_COMMITS, MAX_COMMITS) - 1 - len(suspects) - len(odd) - len(near)
    ordinary = _large(tree, draw, used, largest, near)
    used |= {path for made in ordinary.values() for path in made.before}
    for _ in range(TRIES):
        if len(ordinary) == wanted:
            break
        made = addition(tree, draw, used)
        if made is not None and made.subject not in ordinary.keys() | near.keys():
            ordinary[made.subject] = made
            used |= set(made.before)
    steps: list[Addition | Change] = list(ordinary.values())
    for made in near.values():
        # What an everyday commit writes is the finished file without the culprit's edits, so it comes before them.
        steps.insert(draw.randint(0, max(len(steps) - EARLIEST_PLACE - 1, 0)), made)
    for change in odd:
        # In a culprit's own file a decoy comes first: the culprit's edits are written for what it leaves behind.
        last = EARLIEST_PLACE if change.paths & touched else LATEST_PLACE
        steps.insert(draw.randint(0, max(len(steps) - last, 0)), change)
    places = sorted(draw.sample(range(len(steps) - EARLIEST_PLACE, len(steps) - LATEST_PLACE + 1), len(suspects)))
    for offset, (place, suspect) in enumerate(zip(places, suspects, strict=True)):
        steps.insert(place + offset, suspect)
    return steps


def _near(tree: Tree, draw: random.Random, paths: set[str]) -> dict[str, Addition]:
    """One everyday commit for each of these files, by subject: a culprit is never the only one in its file.

    Raises `ConfigError` for a file in which nothing could be taken back.
    """
    found: dict[str, Addition] = {}
    for path in sorted(paths):
        made = addition_in(tree, draw, path, found.keys())
        if made is None:
            raise ConfigError(f"{path} offers no everyday commit beside the one that touches it. Edit another file.")
        found[made.subject] = made
    return found


def _large(tree: Tree, draw: random.Random, used: set[str], lines: int, taken: Collection[str]) -> dict[str, Addition]:
    """One everyday commit of more than `lines` changed lines, by subject: a culprit is never the largest.

    Raises `ConfigError` when the tree offers none.
    """
    largest = 0
    for _ in range(TRIES):
        finished = dict(tree)
        made = addition(tree, draw, used)
        if made is None:
            continue
        size = sum(changed_lines(content, finished[path]) for path, content in made.before.items())
        if size > lines and made.subject not in taken:
            return {made.subject: made}
        largest = max(largest, size)
        tree.clear()
        tree.update(finished)
    raise ConfigError(
        f"a commit of {lines} changed lines would be the largest; everyday ones have up to {largest}. Make it smaller."
    )


def _largest(tree: Tree, changes: Sequence[Change]) -> int:
    """Changed lines of the largest of these commits, made one after another; none when there is none."""
    sizes = [0]
    for change in changes:
        after = _apply(tree, [change])
        sizes.append(sum(changed_lines(tree[path], after[path]) for path in change.paths))
        tree = after
    return max(sizes)


def changed_lines(before: bytes | None, after: bytes) -> int:
    """Added and removed lines, as git counts them."""
    old, new = ((content or b"").decode(errors="replace").splitlines() for content in (before, after))
    told = difflib.unified_diff(old, new, n=0, lineterm="")
    return sum(line[:1] in "+-" for line in told if line[:3] not in ("+++", "---"))


def _played(tree: Tree, finished: Tree, steps: Sequence[Addition | Change], dates: Sequence[datetime]) -> list[Commit]:
    """The first commit holds `tree`; each further one writes what its step changes."""
    commits = [Commit("platform-engineer", dates[0], FIRST_SUBJECT + "\n", dict(tree))]
    for step, at in zip(steps, dates[1:], strict=True):
        if isinstance(step, Addition):
            written = {path: finished[path] for path in step.before}
        else:
            changed = _apply(tree, [step])
            written = {path: changed[path] for path in step.paths}
        tree.update(written)
        message = f"{step.subject}\n" + (f"\n{fill(step.body, 72)}\n" if step.body else "")
        commits.append(Commit(step.role, at, message, dict(written)))
    return commits


def _dates(draw: random.Random, present: datetime, count: int) -> list[datetime]:
    """Working hours of two weeks, ascending; the last few on the working day before, the newest just now."""
    last = present - timedelta(minutes=draw.randint(50, 110))
    begin = last.astimezone(NEW_YORK) - timedelta(days=DAYS)
    days = [day for day in (begin + timedelta(days=n) for n in range(DAYS)) if day.weekday() < 5]
    places = [draw.randint(0, len(days) - 2) for _ in range(count - 1 - RECENT)] + [len(days) - 1] * RECENT
    moments: set[datetime] = set()
    for place in places:
        moment = None
        while moment is None or moment in moments:
            moment = days[place].replace(
                hour=draw.randint(9, 17), minute=draw.randint(0, 59), second=draw.randint(0, 59), microsecond=0
            )
        moments.add(moment)
    return [moment.astimezone(UTC) for moment in (*sorted(moments), last.astimezone(NEW_YORK))]
