"""Latency, traffic, stored rows, quality, cost and gates: each both ways."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from brownout.probes import (
    ClientLatency,
    GateRefuses,
    ModelCost,
    ModelQuality,
    StoredRowsTrue,
    WorldAlive,
    measure_healthy,
)
from brownout.probes.truth import moment

LATENCY = ClientLatency(objective_ms=50.0)


def test_fast_batches_are_ok(stack: Any) -> None:
    stack.answer(900, latency_ms=8)
    result = LATENCY.run(stack.view)

    assert (result.status, result.measured["p75_ms"]) == ("ok", 8.0)


def test_slow_batches_are_broken(stack: Any) -> None:
    stack.answer(900, latency_ms=120)

    assert LATENCY.run(stack.view).status == "broken"


def test_a_slow_machine_alone_is_not_broken(stack: Any) -> None:
    stack.answer(900, latency_ms=120)

    assert LATENCY.run(stack.looking(healthy={"batch_p50_ms": 90.0})).status == "ok"


def test_few_requests_are_unknown(stack: Any) -> None:
    stack.answer(60, latency_ms=120)

    assert LATENCY.run(stack.view).status == "unknown"


def test_singles_do_not_count_as_batches(stack: Any) -> None:
    stack.answer(60, latency_ms=120, batch=1)

    assert LATENCY.run(stack.view).status == "unknown"
    assert ClientLatency(size="single", objective_ms=50.0).run(stack.view).status == "broken"


def test_healthy_figures_need_both_sizes(stack: Any) -> None:
    stack.answer(900, latency_ms=9)
    stack.answer(40, latency_ms=3, batch=1)

    assert measure_healthy(stack.view) == {
        "single_p50_ms": 3.0,
        "single_p75_ms": 3.0,
        "batch_p50_ms": 9.0,
        "batch_p75_ms": 9.0,
    }


@pytest.mark.parametrize(("code", "status"), [(200, "ok"), (503, "broken")])
def test_the_world_is_alive_while_it_is_answered(stack: Any, code: int, status: str) -> None:
    stack.answer(30, code=code)

    assert WorldAlive().run(stack.view).status == status


def test_a_silent_world_is_unknown(stack: Any) -> None:
    assert WorldAlive().run(stack.view).status == "unknown"


# -- stored rows ---------------------------------------------------------------

STORED = StoredRowsTrue(field="scheduled_minutes")


def store(stack: Any, factor: float = 1.0, drop: int = 0) -> None:
    """Writes the announcements since the onset as the platform would hold them."""
    rows: pa.Table = stack.truth.events("schedules", moment(stack.view.onset_world), moment(stack.view.world_now))
    index = rows.schema.get_field_index("scheduled_minutes")
    rows = rows.set_column(index, "scheduled_minutes", pc.multiply(rows["scheduled_minutes"], factor)).slice(drop)
    directory: Path = stack.view.environment.warehouse / "schedules"
    directory.mkdir(parents=True)
    pq.write_table(rows, directory / "2013-05-04.parquet")


def test_true_rows_are_ok(stack: Any) -> None:
    store(stack)

    assert STORED.run(stack.view).status == "ok"


def test_rows_in_another_unit_are_broken(stack: Any) -> None:
    store(stack, factor=1 / 60)

    assert STORED.run(stack.view).status == "broken"


def test_deleted_rows_are_broken(stack: Any) -> None:
    store(stack, drop=20)
    result = STORED.run(stack.view)

    assert result.status == "broken"
    assert "are stored" in result.why


def test_an_unknown_onset_is_unknown(stack: Any) -> None:
    assert STORED.run(stack.looking(onset_world=None)).status == "unknown"


# -- the model -------------------------------------------------------------------

QUALITY = ModelQuality(days=2, flights=500)


@pytest.mark.parametrize(("champion", "status"), [("1", "ok"), ("2", "ok"), ("3", "broken")])
def test_quality_tells_an_honest_model_from_a_bad_one(stack: Any, champion: str, status: str) -> None:
    stack.registry.aliases["champion"] = champion

    assert QUALITY.run(stack.view).status == status


@pytest.mark.parametrize(("champion", "status"), [("1", "ok"), ("2", "ok"), ("4", "broken")])
def test_cost_tells_an_oversized_model(stack: Any, champion: str, status: str) -> None:
    stack.registry.aliases["champion"] = champion

    assert ModelCost(max_ratio=12).run(stack.view).status == status


@pytest.mark.parametrize("probe", [QUALITY, ModelCost()])
def test_a_registry_that_is_down_is_unknown(stack: Any, probe: Any) -> None:
    environment = stack.view.environment.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})

    assert probe.run(stack.looking(environment=environment)).status == "unknown"


class Gates:
    """The deployed platform's command line: refuses for latency from a ratio on, and notes what it was asked."""

    def __init__(self, refused: set[str], output: str = "") -> None:
        self.refused = refused
        self.output = output
        self.asked: list[str] = []

    def deploy(self, tree: Path) -> None:
        raise AssertionError(tree)

    def run_python(self, program: str) -> subprocess.CompletedProcess[str]:
        raise AssertionError(program)

    def ontime(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        assert (args[:2], args[3:], check) == (("registry", "check"), ("--gate", "latency", "--json"), False)
        self.asked.append(args[2])
        passed = args[2] not in self.refused
        told = {"version": args[2], "passed": passed, "gates": [{"gate": "latency", "passed": passed}]}
        return subprocess.CompletedProcess(args, 0 if passed else 3, self.output or json.dumps(told), "")


@pytest.fixture
def released(stack: Any) -> Path:
    current: Path = stack.view.environment.current
    (current / "platform/ontime/gates").mkdir(parents=True)
    (current / "platform/ontime/registry").mkdir()
    (current / "platform/ontime/cli").mkdir()
    for name in ("ontime.toml", "platform/ontime/gates/rules.py", "platform/ontime/cli/registry.py"):
        (current / name).write_text("one")
    return current


@pytest.mark.parametrize(
    ("refused", "status"),
    [({"4", "5"}, "ok"), (set(), "broken"), ({"4"}, "broken"), ({"1", "4", "5"}, "broken")],
)
def test_gates_must_refuse_the_like_of_it_and_let_healthy_ones_pass(
    stack: Any, released: Path, refused: set[str], status: str
) -> None:
    gates = Gates(refused)

    assert GateRefuses(min_cost_ratio=12).run(stack.looking(platform=gates)).status == status
    assert "5" in gates.asked
    assert stack.registry.deleted == ["5"]


def test_gates_are_asked_again_only_after_a_release_that_may_answer_otherwise(stack: Any, released: Path) -> None:
    gates, probe = Gates(set()), GateRefuses(min_cost_ratio=12)
    view = stack.looking(platform=gates)
    assert [probe.run(view).status, probe.run(view).status] == ["broken", "broken"]
    asked = len(gates.asked)
    gates.refused = {"5", "4"}
    (released / "ontime.toml").write_text("two")

    assert (asked, probe.run(view).status) == (1, "ok")


def test_a_deleted_version_is_still_asked_about(stack: Any, released: Path) -> None:
    gates, probe = Gates(set()), GateRefuses(min_cost_ratio=12)
    assert probe.run(stack.looking(platform=gates)).status == "broken"
    (released / "ontime.toml").write_text("two")
    stack.registry.aliases = {"champion": "1"}

    assert probe.run(stack.looking(platform=gates)).status == "broken"


def test_gates_that_do_not_answer_are_unknown(stack: Any, released: Path) -> None:
    view = stack.looking(platform=Gates(set(), output="Traceback"))

    assert GateRefuses(min_cost_ratio=12).run(view).status == "unknown"


def test_nothing_injected_and_healthy_gates_are_ok(stack: Any, released: Path) -> None:
    view = stack.looking(platform=Gates(set()), onset_world=None)

    assert GateRefuses().run(view).status == "ok"
