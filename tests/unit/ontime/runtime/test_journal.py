from __future__ import annotations

from pathlib import Path

from ontime.runtime import journal
from ontime.settings import Environment


def test_a_half_written_line_is_left_out(tmp_path: Path) -> None:
    environment = Environment(state=tmp_path)
    (tmp_path / "run").mkdir()
    journal.begin(environment)
    journal.record(environment, "exited", "serving", "process 7")
    with journal.path_of(environment).open("a") as file:
        file.write('{"wall": 1, "kind": "exi')

    assert [event.kind for event in journal.read(environment)] == ["up", "exited"]
    assert journal.unasked_exits(journal.read(environment)) == {"serving": 1}
