"""What the deployed code would train on, and what its gates would let pass: each both ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from brownout.probes import LeakRefused, TrainingRowsTrue
from brownout.settings import ROOT
from ontime.clock import Segment, write_segments
from ontime.features import EVENT_TABLES
from ontime.warehouse import Warehouse
from tests.unit.brownout.probes.conftest import FIRST, NOW

LEAKING = """
import ontime.training.data as data
import pyarrow as pa
honest = data.training_frame
def leaking(*given, **more):
    rows = honest(*given, **more)
    position = rows.schema.get_field_index("origin_queue")
    return rows.set_column(position, rows.schema.field(position), rows["arr_delay_minutes"].cast(pa.float32()))
data.training_frame = leaking
"""


class Release:
    """The tree as the deployed release, perhaps with something put in front of what is asked."""

    def __init__(self, view: Any, before: str = "") -> None:
        self.environment = view.environment
        self.before = before
        self.asked = 0

    def run_python(self, program: str) -> subprocess.CompletedProcess[str]:
        self.asked += 1
        paths = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-P", "-"],
            input=self.before + program,
            env={**os.environ, "PYTHONPATH": paths, "ONTIME_STATE": str(self.environment.state)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def released(stack: Any) -> Path:
    """Files whose content stands for the release's, a clock, and every event until now."""
    current: Path = stack.view.environment.current
    for name in ("ontime.toml", "platform/ontime/warehouse.py"):
        (current / name).parent.mkdir(parents=True, exist_ok=True)
        (current / name).write_text("one")
    for name in ("features", "training", "gates", "registry"):
        (current / "platform/ontime" / name).mkdir()
    write_segments(stack.view.environment.clock, (Segment(0.0, NOW.timestamp(), 0.0),))
    for table in EVENT_TABLES:
        Warehouse(stack.view.environment.warehouse).write(
            table, stack.truth.events(table, FIRST.replace(year=2012), NOW)
        )
    return current


@pytest.mark.parametrize(("before", "status"), [("", "ok"), (LEAKING, "broken")])
def test_training_rows_must_be_what_was_known(stack: Any, released: Path, before: str, status: str) -> None:
    release = Release(stack.view, before)
    result = TrainingRowsTrue().run(stack.looking(platform=release))

    assert result.status == status, result.why
    assert ("origin_queue" in result.why) == (status == "broken")


def test_the_answer_stands_while_the_release_does(stack: Any, released: Path) -> None:
    release = Release(stack.view)
    view = stack.looking(platform=release)
    TrainingRowsTrue().run(view)
    TrainingRowsTrue().run(view)
    assert release.asked == 1
    (released / "platform/ontime/training/data.py").write_text("two")
    TrainingRowsTrue().run(view)

    assert release.asked == 2


def test_a_release_that_says_nothing_is_unknown(stack: Any, released: Path) -> None:
    result = TrainingRowsTrue().run(stack.looking(platform=Release(stack.view, "raise SystemExit('no such table')\n")))

    assert (result.status, "no such table" in result.why) == ("unknown", True)


class Gates:
    """Answers which gates refuse the healthy version and a leaking one."""

    def __init__(self, healthy: list[str], leaking: list[str]) -> None:
        self.told = {"healthy": healthy, "leaking": leaking}
        self.programs: list[str] = []

    def run_python(self, program: str) -> subprocess.CompletedProcess[str]:
        self.programs.append(program)
        return subprocess.CompletedProcess([], 0, json.dumps(self.told), "")


@pytest.fixture
def leaked(stack: Any, released: Path) -> None:
    """Version 3 is one that the harness trained on more than was known."""
    run = stack.view.harness.models / "retrained-on-more-abc/run.json"
    run.parent.mkdir(parents=True)
    digest = sha256(stack.models["3"].read_bytes()).hexdigest()
    run.write_text(json.dumps({"tags": {"onnx_sha256": digest}}))


PROBE = LeakRefused(feature="carrier_dep_delay_mean_3h")


@pytest.mark.parametrize(
    ("healthy", "leaking", "status"),
    [
        ([], ["availability"], "ok"),
        (["rows"], ["availability", "rows"], "ok"),
        ([], ["quality"], "ok"),
        ([], [], "broken"),
        (["availability"], ["availability"], "unknown"),
    ],
)
@pytest.mark.usefixtures("leaked")
def test_gates_must_refuse_the_like_of_it_and_let_healthy_ones_pass(
    stack: Any, healthy: list[str], leaking: list[str], status: str
) -> None:
    gates = Gates(healthy, leaking)

    assert PROBE.run(stack.looking(platform=gates)).status == status
    assert '"healthy": healthy' in gates.programs[0]
    assert "healthy = refused(2)" in gates.programs[0]
    assert "refused(5) if 5 else" in gates.programs[0]
    assert stack.registry.deleted == ["5"]


@pytest.mark.usefixtures("leaked")
def test_the_baselines_champion_may_have_been_deleted(stack: Any) -> None:
    del stack.registry.versions["2"]
    gates = Gates([], ["availability"])

    assert PROBE.run(stack.looking(platform=gates)).status == "ok"
    assert "healthy = refused(1)" in gates.programs[0]


@pytest.mark.usefixtures("leaked")
def test_the_version_is_remembered(stack: Any) -> None:
    PROBE.run(stack.looking(platform=Gates([], [])))
    stack.view.memory.forget()
    next(stack.view.harness.models.glob("*/run.json")).unlink()

    assert PROBE.run(stack.looking(platform=Gates([], []))).status == "broken"


@pytest.mark.usefixtures("released")
def test_a_registry_without_such_a_version_is_unknown(stack: Any) -> None:
    assert PROBE.run(stack.looking(platform=Gates([], []))).status == "unknown"


@pytest.mark.usefixtures("released")
def test_before_the_onset_only_healthy_ones_are_asked_about(stack: Any) -> None:
    gates = Gates([], [])

    assert PROBE.run(stack.looking(platform=gates, onset_world=None)).status == "ok"
    assert stack.registry.deleted == []


def test_the_question_can_be_asked() -> None:
    from brownout.probes.leak_refused import PROGRAM

    compile(PROGRAM.format(feature="carrier_dep_delay_mean_3h", healthy=1, leaking=0), "program", "exec")
