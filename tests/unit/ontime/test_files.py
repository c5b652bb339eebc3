"""Whole files: whoever reads sees one writer's text, whatever the other writers do."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ontime.files import replace_text, replacing


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "access.json"
    path.write_text("old")

    replace_text(path, "new", mode=0o600)

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["access.json"]


def test_without_a_mode_the_umask_decides(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        replace_text(tmp_path / "mine.json", "{}")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "mine.json").stat().st_mode) == 0o600


def test_a_failed_draft_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text("old")

    def half_written() -> None:
        with replacing(path) as draft:
            draft.write_text("half")
            raise ValueError("half a summary")

    with pytest.raises(ValueError, match="half a summary"):
        half_written()

    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["summary.json"]


def test_writers_in_one_process_never_take_each_others_draft(tmp_path: Path) -> None:
    """A request and a clock may write one file at the same moment."""
    path = tmp_path / "summary.html"
    texts = [str(number) * 20_000 for number in range(8)]

    with ThreadPoolExecutor(len(texts)) as pool:
        list(pool.map(lambda text: [replace_text(path, text) for _ in range(50)], texts))

    assert path.read_text() in texts
    assert [found.name for found in tmp_path.iterdir()] == ["summary.html"]


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="gone"):
        replace_text(tmp_path / "gone" / "clock.json", "{}")
