from __future__ import annotations

from pathlib import Path

from ontime.runtime.tail import BLOCK, last_lines

LINES = 5 * BLOCK // 200


def test_last_lines_across_blocks(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"{'x' * 200} {number}\n" for number in range(LINES)))
    got = last_lines(path, 1000)

    assert len(got) == 1000
    assert got[-1].endswith(f" {LINES - 1}")


def test_a_missing_or_short_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one\ntwo")

    assert last_lines(tmp_path / "none", 5) == []
    assert last_lines(tmp_path / "log", 5) == ["one", "two"]
