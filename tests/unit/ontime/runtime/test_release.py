from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ontime.errors import RuntimeStateError
from ontime.runtime import release
from ontime.runtime.release import Commit
from ontime.settings import Environment

Make = Callable[..., str]


def exported(environment: Environment, tree: Path) -> Path:
    commit = release.head(tree)
    root = environment.releases / commit.name
    release.export(tree, commit, root)
    return root


def test_only_the_platform_is_exported_and_modified_now(environment: Environment, tree: Path, commit: Make) -> None:
    before = int(time.time())
    commit(**{"README.md": "hello", "notes/private.md": "no", "dags/a.py": "x = 1\n"})
    root = exported(environment, tree)

    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files == {"REVISION", "dags/a.py", "ontime.toml", "platform/ontime/__init__.py"}
    assert all(path.stat().st_mtime >= before for path in root.rglob("*") if path.is_file())
    assert release.revision(root) == release.head(tree)


def test_uncommitted_edits_are_told_and_not_exported(environment: Environment, tree: Path, commit: Make) -> None:
    commit(**{"dags/a.py": "x = 1\n"})
    (tree / "dags/a.py").write_text("x = 2\n")
    (tree / "serving").mkdir()
    (tree / "serving/new.py").write_text("")
    (tree / "README.md").write_text("not ours")

    assert sorted(release.uncommitted(tree)) == ["dags/a.py", "serving/new.py"]
    assert (exported(environment, tree) / "dags/a.py").read_text() == "x = 1\n"


def test_a_tree_without_a_platform_is_refused(environment: Environment, tree: Path, commit: Make) -> None:
    commit(**{"ontime.toml": None})
    with pytest.raises(RuntimeStateError, match="is no platform"):
        exported(environment, tree)


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeStateError, match=r"git log in .* failed"):
        release.head(tmp_path)


def test_changed_paths_are_exactly_those_that_differ(environment: Environment, tree: Path, commit: Make) -> None:
    commit(**{"dags/a.py": "x = 1\n", "serving/b.py": "same\n"})
    old = exported(environment, tree)
    commit(**{"dags/a.py": "x = 2\n", "monitoring/c.py": "new\n"})
    new = exported(environment, tree)
    (old / "dags" / "__pycache__").mkdir()
    (old / "dags" / "__pycache__" / "a.pyc").write_bytes(b"x")

    assert release.changed_paths(old, new) == ["dags/a.py", "monitoring/c.py"]
    assert release.changed_paths(None, old) == [
        "dags/a.py", "ontime.toml", "platform/ontime/__init__.py", "serving/b.py",
    ]  # fmt: skip


def test_current_is_swapped_in_one_step(environment: Environment, tree: Path, commit: Make) -> None:
    first, second = commit("one"), commit("two")
    for name in (first, second):
        (environment.releases / name).mkdir()
        release.point_current_at(environment, environment.releases / name)

        assert release.current(environment) == (environment.releases / name).resolve()
    assert [path.name for path in environment.state.iterdir() if path.name.startswith(".current")] == []


def standing(environment: Environment, *names: str) -> None:
    for name in names:
        (environment.releases / name).mkdir(exist_ok=True)


def note(environment: Environment, action: release.Action, name: str, healthy: bool = True) -> None:
    release.write_entry(environment, action, Commit(name * 12, name), (), healthy)
    release.point_current_at(environment, environment.releases / (name * 12))


def test_undo_goes_further_back_each_time_and_skips_the_unhealthy(environment: Environment) -> None:
    standing(environment, "a" * 12, "b" * 12, "c" * 12, "d" * 12)
    note(environment, "deploy", "a")
    note(environment, "deploy", "b")
    note(environment, "deploy", "c", healthy=False)
    note(environment, "deploy", "d")

    first = release.before_current(environment)
    assert first is not None
    assert first.subject == "b"
    note(environment, "undo", "b")
    second = release.before_current(environment)
    assert second is not None
    assert second.subject == "a"
    note(environment, "undo", "a")
    assert release.before_current(environment) is None


def test_a_release_deployed_while_down_is_healthy_once_it_has_started(environment: Environment) -> None:
    standing(environment, "a" * 12, "b" * 12)
    note(environment, "deploy", "a", healthy=False)
    (environment.releases / ("a" * 12) / "REVISION").write_text('{"sha": "%s", "subject": "a"}' % ("a" * 12))
    release.confirm_health(environment)
    release.confirm_health(environment)
    note(environment, "deploy", "b")

    assert [entry.action for entry in release.entries(environment)] == ["deploy", "start", "deploy"]
    before = release.before_current(environment)
    assert before is not None
    assert before.subject == "a"


def test_pruning_keeps_the_newest_and_what_is_in_use(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "KEPT_RELEASES", 2)
    for age, name in enumerate(["new", "newer", "old", "oldest"]):
        standing(environment, name)
        os.utime(environment.releases / name, (1_000 - age, 1_000 - age))
    release.prune(environment, frozenset({"oldest"}))

    assert {path.name for path in environment.releases.iterdir()} == {"new", "newer", "oldest"}
