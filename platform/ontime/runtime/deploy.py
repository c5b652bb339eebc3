"""Changes the code that the platform runs from: deploy a tree's commit, or go back to the deploy before.

A release that made a component unready which was ready before is taken back at once: an on-call person wants a working
platform first and the reason second. One that merely found a component unready stays, so that a repair can be deployed
to a broken platform.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ontime.errors import OntimeError, RuntimeStateError
from ontime.runtime import preflight, release
from ontime.runtime.chosen_runtime import runtime
from ontime.runtime.component import Component
from ontime.runtime.components import touched_by
from ontime.runtime.lock import exclusive
from ontime.runtime.release import Action, Commit, Entry
from ontime.runtime.reporter import Reporter
from ontime.runtime.stack import NotReadyError
from ontime.settings import Environment

DAG_SOURCES = ("dags/", "platform/ontime/")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`entry` is None when the release was current already."""

    release: str
    subject: str
    entry: Entry | None
    changed: tuple[str, ...]
    uncommitted: tuple[str, ...]


def deploy(environment: Environment, reporter: Reporter, tree: Path) -> Outcome:
    """Makes `tree`'s HEAD the current release and restarts what runs changed code.

    Works on a stopped stack too, then only the link moves. Raises `RuntimeStateError` when the release is refused
    (nothing has changed then) or was taken back.
    """
    with exclusive(environment, "deploy"):
        commit = release.head(tree)
        edits = tuple(release.uncommitted(tree))
        if edits:
            reporter.say(f"Uncommitted edits run nowhere: {_some(edits)}. Commit them, then deploy again.")
        old = release.current(environment)
        if old is not None and release.revision(old) == commit:
            return Outcome(commit.name, commit.subject, None, (), edits)
        root, changed = _new_release(environment, reporter, tree, commit, old)
        touched = touched_by(changed)
        entry = _activate(environment, reporter, "deploy", root, commit, touched, old)
        release.prune(environment, frozenset(path.name for path in (root, old) if path))
        return Outcome(commit.name, commit.subject, entry, tuple(changed), edits)


def undo(environment: Environment, reporter: Reporter) -> Outcome:
    """Goes back to the last deploy before the current one that was healthy. Raises `RuntimeStateError`."""
    with exclusive(environment, "undo"):
        target = release.before_current(environment)
        old = release.current(environment)
        if target is None or old is None:
            raise RuntimeStateError("There is no healthy deploy before the current one. See: ontime releases")
        root = environment.releases / target.release
        release.freshen(root)
        changed = release.changed_paths(old, root)
        commit = Commit(target.sha, target.subject)
        entry = _activate(environment, reporter, "undo", root, commit, touched_by(changed), old)
        return Outcome(commit.name, commit.subject, entry, tuple(changed), ())


def _new_release(
    environment: Environment, reporter: Reporter, tree: Path, commit: Commit, old: Path | None
) -> tuple[Path, list[str]]:
    """The checked release's directory and what differs from the current one."""
    environment.releases.mkdir(parents=True, exist_ok=True)
    draft = environment.releases / f".{commit.name}.{os.getpid()}"
    try:
        reporter.doing("release", "exporting")
        release.export(tree, commit, draft)
        changed = release.changed_paths(old, draft)
        reporter.doing("release", "checking")
        modules = dict.fromkeys(module for component in touched_by(changed) for module in component.modules)
        preflight.check(environment, draft, modules, dags=any(path.startswith(DAG_SOURCES) for path in changed))
        root = environment.releases / commit.name
        if root.is_dir() and not release.changed_paths(root, draft):
            release.freshen(root)
        else:
            shutil.rmtree(root, ignore_errors=True)
            draft.rename(root)
        reporter.done("release", f"{commit.name} is checked, {len(changed)} files differ")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return root, changed


def _activate(
    environment: Environment,
    reporter: Reporter,
    action: Action,
    root: Path,
    commit: Commit,
    touched: list[Component],
    old: Path | None,
) -> Entry:
    running = {component.name for component in runtime(environment).running(environment)}
    restarted = [component for component in touched if component.name in running]
    names = tuple(component.name for component in restarted)
    ready = {c.name for c in runtime(environment).look(environment, names).components if c.ready}
    release.point_current_at(environment, root)
    if not running:
        return release.write_entry(environment, action, commit, (), healthy=False, note="the stack was down")
    try:
        if restarted:
            runtime(environment).again(environment, reporter, restarted)
    except OntimeError as error:
        entry = release.write_entry(environment, action, commit, names, healthy=False, note=str(error).splitlines()[0])
        was_broken = isinstance(error, NotReadyError) and error.component not in ready
        if old is None or was_broken:
            raise RuntimeStateError(f"{entry.release} stays current, but not everything is ready. {error}") from error
        _take_back(environment, reporter, restarted, old)
        raise RuntimeStateError(f"{entry.release} was taken back, {old.name} is current again. {error}") from error
    return release.write_entry(environment, action, commit, names, healthy=True)


def _take_back(environment: Environment, reporter: Reporter, restarted: list[Component], old: Path) -> None:
    reporter.say(f"Going back to {old.name}.")
    release.freshen(old)
    release.point_current_at(environment, old)
    runtime(environment).again(environment, reporter, restarted)
    commit = release.revision(old) or Commit(old.name, "")
    names = tuple(component.name for component in restarted)
    release.write_entry(environment, "roll back", commit, names, healthy=True)


def _some(paths: tuple[str, ...], count: int = 4) -> str:
    more = f" and {len(paths) - count} more" if len(paths) > count else ""
    return ", ".join(paths[:count]) + more
