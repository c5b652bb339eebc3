from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from brownout.errors import SecrecyError
from brownout.secrecy import Secrecy, hand_over

WRITES = "while true; do echo x >.draft; mv .draft whole; rm whole; done"
NOBODY = Secrecy("separate-user", "nobody", "for the test")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for parent in (tmp_path, *tmp_path.parents):
        if parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    made = tmp_path / "state"
    made.mkdir()
    return made


def test_what_is_another_s_is_handed_over_while_files_come_and_go(tree: Path) -> None:
    hand_over(tree, NOBODY)
    writing = subprocess.Popen(["sh", "-c", WRITES], cwd=tree, user="nobody", start_new_session=True)
    try:
        for number in range(60):
            (tree / f"{number}").touch()
            hand_over(tree, NOBODY)
    finally:
        os.killpg(writing.pid, signal.SIGKILL)
        writing.wait()

    assert {(tree / f"{number}").owner() for number in range(60)} == {"nobody"}


def test_what_a_link_leads_to_stays_whose_it_is(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    (tree / "link").symlink_to(tmp_path / "kept")
    hand_over(tree, NOBODY)

    assert (tmp_path / "kept").owner() == "root"


def test_a_closed_directory_in_the_way_is_named(tree: Path) -> None:
    closed = tree / "closed"
    (closed / "state").mkdir(parents=True)
    closed.chmod(0o700)

    with pytest.raises(SecrecyError, match=f"{closed} is closed to others"):
        hand_over(closed / "state", NOBODY)
