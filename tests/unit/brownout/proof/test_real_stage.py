"""The parts of the real stage that need nothing to run."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from brownout.proof.real_stage import replace_tree, rows_below


def test_a_tree_is_replaced_with_times_links_and_rights_and_the_environment_stays(tmp_path: Path) -> None:
    kept, state = tmp_path / "kept", tmp_path / "state"
    (kept / "warehouse").mkdir(parents=True)
    (kept / "warehouse" / "a.parquet").write_text("a")
    os.utime(kept / "warehouse" / "a.parquet", (1000, 1000))
    (kept / "releases").mkdir()
    (kept / "current").symlink_to("releases")
    kept.chmod(0o750)
    (state / "venv").mkdir(parents=True)
    (state / "venv" / "python").write_text("x")
    (state / "warehouse").mkdir()
    (state / "warehouse" / "b.parquet").write_text("b")
    (state / "current").symlink_to("nowhere")
    replace_tree(state, kept)

    assert sorted(path.name for path in state.iterdir()) == ["current", "releases", "venv", "warehouse"]
    assert [path.name for path in (state / "warehouse").iterdir()] == ["a.parquet"]
    assert (state / "warehouse" / "a.parquet").stat().st_mtime == 1000
    assert (state / "current").readlink() == Path("releases")
    assert (state / "venv" / "python").exists()
    assert state.stat().st_mode & 0o777 == 0o750


def test_rows_of_a_table_are_those_of_all_its_files(tmp_path: Path) -> None:
    for name, rows in (("a", 3), ("b", 4)):
        pq.write_table(pa.table({"x": list(range(rows))}), tmp_path / f"{name}.parquet")

    assert rows_below(tmp_path) == 7
    assert rows_below(tmp_path / "nowhere") == 0
