"""Whatever names a fault is found, wherever a candidate could find it; what everybody may say is not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brownout.faults import Fault, discover
from brownout.leaks import Leak, Needles, needles_of, search
from brownout.leaks.places import Place, files, git_objects, processes
from brownout.leaks.search import known_needles
from brownout.leaks.times import apart
from ontime.settings import Environment

FAULT = discover()["stale_fresh_path"]
NEEDLES = needles_of([FAULT], ["mid-03"], [])
SEEDS = 6


def git(path: Path, *arguments: str, stdin: str = "") -> str:
    identity = ("-c", "user.name=on-call", "-c", "user.email=on-call@ontime.example")
    done = subprocess.run(
        ["git", "-C", str(path), *identity, *arguments], input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def in_a_file(root: Path) -> None:
    (root / "note.txt").write_text("see stale_fresh_path")


def in_a_name(root: Path) -> None:
    (root / "Stale_Fresh_Path.log").write_text("nothing")


def in_a_database(root: Path) -> None:
    with closing(sqlite3.connect(root / "mlflow.db")) as db, db:
        db.execute("CREATE TABLE tags (key TEXT, value TEXT)")
        db.execute("INSERT INTO tags VALUES ('mlflow.note', 'Fresh features\nstand still behind it')")


def in_a_table(root: Path) -> None:
    pq.write_table(
        pa.table({"reasons": ["none", "the watermark no longer advances, so it writes"]}), root / "x.parquet"
    )


def in_a_dangling_object(root: Path) -> None:
    workspace = root / "workspace"
    workspace.mkdir()
    git(workspace, "init", "--quiet")
    git(workspace, "hash-object", "-w", "--stdin", stdin="set up for mid-03\n")


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (in_a_file, "stale_fresh_path"),
        (in_a_name, "stale_fresh_path"),
        (in_a_database, "fresh features stand"),
        (in_a_table, "no longer advances so it"),
        (in_a_dangling_object, "mid 03"),
    ],
)
def test_what_is_planted_is_found(tmp_path: Path, plant: Callable[[Path], None], said: str) -> None:
    before = search([*files(tmp_path), *git_objects(tmp_path / "workspace")], NEEDLES)
    plant(tmp_path)
    after = search([*files(tmp_path), *git_objects(tmp_path / "workspace")], NEEDLES)

    assert before == []
    assert said in {leak.said for leak in after}


def test_every_text_of_a_fault_is_looked_for() -> None:
    for text in (FAULT.title, *FAULT.truth, *FAULT.hints, *FAULT.must_notice, FAULT.confirm_when[0].samples[0]):
        told = FAULT.told(text, FAULT.draw(1)) if "{" in text else text

        assert search([Place("log", f"2013-05-06 INFO {told.upper()} …")], NEEDLES), text


def test_what_the_public_platform_says_tells_nothing() -> None:
    public = "Fresh features stand on a grid. The watermark no longer advances, so it writes nothing."
    needles = needles_of([FAULT], [], [public])

    assert search([Place("docs", public)], NEEDLES) != []
    assert search([Place("docs", public)], needles) == []


def test_an_id_tells_even_when_it_is_public() -> None:
    needles = needles_of([FAULT], [], ["stale_fresh_path"])

    assert search([Place("docs", "stale_fresh_path")], needles) == [Leak("docs", "stale_fresh_path", "an id")]


@pytest.mark.parametrize("fault", discover().values(), ids=discover())
def test_what_is_put_in_tells_nothing(fault: Fault) -> None:
    for seed in range(SEEDS):
        for injection in fault.plan(fault.draw(seed)).injections:
            written = Place(injection.kind, injection.model_dump_json().replace("\\n", " "))

            assert search([written], known_needles()) == []


def test_a_part_of_a_word_tells_nothing() -> None:
    assert search([Place("log", "unstale_fresh_paths")], NEEDLES) == []


def test_arguments_may_name_the_harness_and_nothing_else() -> None:
    needles = Needles(frozenset({"brownout", "stale_fresh_path"}))
    told = "python -m brownout.world"

    assert search([Place("arguments", told, harness_may_be_named=True)], needles) == []
    assert search([Place("environment", told)], needles) != []
    assert search([Place("arguments", f"{told} stale_fresh_path", harness_may_be_named=True)], needles) != []


def test_a_file_whose_time_stands_out_is_found(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text("x = 1\n")
    usual = (tmp_path / "a.py").stat().st_mtime
    even = list(apart(tmp_path))
    os.utime(tmp_path / "b.py", (usual + 3600, usual + 3600))

    assert even == []
    assert [(path.name, round(off / 600)) for path, off in apart(tmp_path)] == [("b.py", 6)]


def test_processes_of_this_stack_are_read_and_no_others(tmp_path: Path) -> None:
    here = Environment(state=tmp_path)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "stale_fresh_path"]
    for state, component, expected in (
        (str(tmp_path), {}, {"arguments"}),
        (str(tmp_path), {"ONTIME_COMPONENT": "serving", "NOTE": "mid-03"}, {"arguments", "environment"}),
        ("/elsewhere", {}, set()),
    ):
        variables = {"ONTIME_STATE": state, **component}
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=variables) as process:
            told = {leak.where.split()[0] for leak in search(processes(here), NEEDLES)}
            process.communicate(b"")

        assert told == expected
