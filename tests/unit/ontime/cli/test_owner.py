from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from ontime.cli.owner import give_to_owner, owner_of
from ontime.settings import Environment

SOMEBODY = pwd.getpwnam("nobody")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A state that belongs to somebody, with what root made in it."""
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "made.parquet").touch()
    (tmp_path / "link").symlink_to("/etc/hosts")
    os.chown(tmp_path, SOMEBODY.pw_uid, SOMEBODY.pw_gid)
    return Environment(state=tmp_path)


def test_everything_that_root_made_becomes_the_owners(environment: Environment) -> None:
    give_to_owner(environment)

    assert owner_of(environment) == "nobody"
    assert {path.lstat().st_uid for path in environment.state.rglob("*")} == {SOMEBODY.pw_uid}
    assert Path("/etc/hosts").stat().st_uid == 0


def test_a_draft_that_is_renamed_meanwhile_is_no_error(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = os.walk

    def overtaken(top: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for directory, names, files in walk(top):
            yield directory, names, [".draft.parquet", *files]

    monkeypatch.setattr(os, "walk", overtaken)
    give_to_owner(environment)

    assert (environment.state / "warehouse" / "made.parquet").stat().st_uid == SOMEBODY.pw_uid


def test_a_state_of_roots_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "made").touch()
    os.chown(tmp_path / "made", SOMEBODY.pw_uid, SOMEBODY.pw_gid)

    give_to_owner(Environment(state=tmp_path))

    assert (tmp_path / "made").stat().st_uid == SOMEBODY.pw_uid
