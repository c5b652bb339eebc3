from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest

from ontime import gates
from ontime.errors import GateRefusedError, RegistryError, UnknownNameError
from ontime.export import write_onnx
from ontime.gates import GATES, Evidence, check, latency, leaks
from ontime.gates.evidence import Model, held_out_days
from ontime.gates.leaks import Leaks
from ontime.registry import promotion
from ontime.scorer import Scorer
from ontime.settings import Behaviour, GateBehaviour, TrainingBehaviour
from ontime.training import Days, features, load_frame, train
from ontime.warehouse import TABLES, Warehouse
from tests.unit.ontime.features.flights import arrival, departure, schedule
from tests.unit.ontime.frames import HELD_OUT, QUICK, frame, version

LIMITS = GateBehaviour()
HELD = frame(2500, seed=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Model]:
    """Makes models, each only once: `model(trees=…, seed=…, signal=…)`."""
    made: dict[tuple[Any, ...], Model] = {}

    def make(number: int = 2, trees: int = 30, seed: int = 1, signal: float = 1.0) -> Model:
        key = (number, trees, seed, signal)
        if key not in made:
            training = QUICK.model_copy(update={"trees": trees})
            booster = train(frame(3000, seed=seed, signal=signal), training)
            path = write_onnx(booster, tmp_path_factory.mktemp("model") / "model.onnx")
            made[key] = Model(version(number), Scorer(path), lambda: booster)
        return made[key]

    return make


def evidence(contender: Model, champion: Model | None, holdout: pa.Table = HELD, **known: Any) -> Evidence:
    """With `known`, what would be measured on a warehouse is given."""
    found = Evidence(contender, champion, HELD_OUT, holdout, Warehouse(Path("/nowhere")))
    found.__dict__.update({"training_rows": 25_000, "leaks": Leaks(0, 0, 37, ()), **known})
    return found


def verdict(gate: str, found: Evidence, limits: GateBehaviour = LIMITS) -> tuple[bool, float]:
    result = GATES[gate](found, limits)
    return result.passed, result.measured


def test_a_sound_version_passes_every_gate(model: Callable[..., Model]) -> None:
    results = check(evidence(model(3, seed=4), model(2, seed=1)), Behaviour())

    assert [str(result) for result in results if not result.passed] == []
    assert [result.gate for result in results] == list(GATES)


def test_one_gate_is_asked_alone_and_fetches_nothing_for_the_others(model: Callable[..., Model]) -> None:
    def no_booster() -> lgb.Booster:
        raise AssertionError("only onnx_parity compares with the booster")

    (result,) = check(evidence(replace(model(2), read_booster=no_booster), None), Behaviour(), ["latency"])

    assert (result.gate, result.passed) == ("latency", True)


def test_an_unknown_gate_is_named_before_anything_is_fetched() -> None:
    with pytest.raises(UnknownNameError, match=r"gate 'latenzy'\. Did you mean latency"):
        gates.check_version(
            2,
            reader=None,  # type: ignore[arg-type]
            warehouse=Warehouse(Path("/nowhere")),
            behaviour=Behaviour(),
            present=datetime(2013, 5, 6, 9, tzinfo=UTC),
            only=["latenzy"],
        )


def test_the_first_version_passes_without_a_champion(model: Callable[..., Model]) -> None:
    results = check(evidence(model(2), None), Behaviour())

    assert all(result.passed for result in results)


def test_too_few_rows_are_refused_whatever_the_tag_claims(model: Callable[..., Model]) -> None:
    claims_much = replace(model(2), version=version(2, rows="90000"))

    assert verdict("rows", evidence(claims_much, None, training_rows=12_000)) == (False, 12_000)
    claims_little = replace(model(2), version=version(2, rows="500"))
    assert verdict("rows", evidence(claims_little, None, training_rows=25_000)) == (False, 500)


def test_a_version_that_is_worse_than_the_champion_is_refused(model: Callable[..., Model]) -> None:
    guesses = model(3, trees=1)

    passed, increase = verdict("quality", evidence(guesses, model(2)))
    assert not passed
    assert increase > LIMITS.max_log_loss_increase
    assert verdict("quality", evidence(model(2), guesses))[0]


def test_a_version_that_is_worse_for_one_group_is_refused(model: Callable[..., Model]) -> None:
    """On Newark's flights the labels are turned round: good for the average of two airports, bad for one."""
    newark = HELD["origin"].to_numpy(zero_copy_only=False) == "EWR"
    chance = model(2).scorer.score(features(HELD))
    turned = HELD.set_column(
        HELD.column_names.index("label"),
        "label",
        pa.array(np.where(newark, chance < 0.5, chance > 0.5).astype(np.int8)),
    )
    lenient = LIMITS.model_copy(update={"max_slice_log_loss_increase": 10.0})
    guesses = model(3, trees=1)

    passed, increase = verdict("slices", evidence(model(2), guesses, turned))
    assert not passed
    assert "origin=EWR" in GATES["slices"](evidence(model(2), guesses, turned), LIMITS).detail
    assert verdict("slices", evidence(model(2), guesses, turned), lenient) == (True, increase)


def test_a_version_that_promises_too_little_is_refused(model: Callable[..., Model]) -> None:
    timid = model(3, signal=4.0, seed=6)
    late_everywhere = HELD.set_column(
        HELD.column_names.index("label"), "label", pa.array(np.ones(HELD.num_rows, dtype=np.int8))
    )

    assert not verdict("calibration", evidence(timid, None, late_everywhere))[0]
    assert verdict("calibration", evidence(model(2), None))[0]


def test_a_late_fortnight_is_not_held_against_a_version_when_the_champion_missed_it_too(
    model: Callable[..., Model],
) -> None:
    late_everywhere = HELD.set_column(
        HELD.column_names.index("label"), "label", pa.array(np.ones(HELD.num_rows, dtype=np.int8))
    )

    assert verdict("calibration", evidence(model(3, seed=4), model(2), late_everywhere))[0]


def test_a_served_file_that_is_not_the_trained_model_is_refused(model: Callable[..., Model]) -> None:
    mixed_up = replace(model(2), scorer=model(3, seed=4).scorer)

    assert not verdict("onnx_parity", evidence(mixed_up, None))[0]
    assert verdict("onnx_parity", evidence(model(2), None))[0]


def test_a_version_without_its_booster_is_refused(model: Callable[..., Model]) -> None:
    passed, measured = verdict("onnx_parity", evidence(replace(model(2), read_booster=lambda: None), None))

    assert not passed
    assert math.isnan(measured)


@pytest.mark.parametrize(("ratio", "passes"), [(7.9, True), (8.1, False)])
def test_the_latency_budget_is_a_multiple_of_the_reference(
    model: Callable[..., Model], ratio: float, passes: bool
) -> None:
    found = evidence(model(2), None, latency=latency.Latency(contender_ms=ratio * 0.4, reference_ms=0.4))

    assert verdict("latency", found) == (passes, pytest.approx(ratio))


def test_a_hundred_times_the_trees_cost_many_times_the_reference(model: Callable[..., Model], tmp_path: Path) -> None:
    """Copies of one tree: what a call costs depends on how many there are, not on what they say."""
    booster = model(2).read_booster()
    assert booster is not None
    matrix = features(HELD)
    reference = Scorer(write_onnx(booster, tmp_path / "reference.onnx"))
    heavy = Scorer(write_onnx(_repeated(booster, 40), tmp_path / "heavy.onnx"))

    assert latency.compare(heavy, reference, matrix).ratio > LIMITS.max_latency_ratio
    assert latency.compare(reference, reference, matrix).ratio < LIMITS.max_latency_ratio


def _repeated(booster: lgb.Booster, times: int) -> lgb.Booster:
    head, *trees = booster.model_to_string().split("\nTree=")
    last, tail = trees[-1].split("\nend of trees", 1)
    bodies = [tree.partition("\n")[2] for tree in [*trees[:-1], last]] * times
    head = "\n".join(line for line in head.splitlines() if not line.startswith("tree_sizes"))
    text = head + "\n" + "".join(f"\nTree={i}\n{body}" for i, body in enumerate(bodies)) + "\nend of trees" + tail
    return lgb.Booster(model_str=text)


@pytest.mark.parametrize("found", [Leaks(1, 0, 37, ()), Leaks(0, 1, 37, ("origin_queue",))])
def test_one_flight_that_knew_the_future_is_refused(model: Callable[..., Model], found: Leaks) -> None:
    assert verdict("availability", evidence(model(2), None, leaks=found)) == (False, 1)


def test_without_held_out_flights_nothing_that_needs_them_passes(model: Callable[..., Model]) -> None:
    results = check(evidence(model(2), model(3, seed=4), HELD.slice(0, 0)), Behaviour())

    assert [result.gate for result in results if result.passed] == ["rows"]


def test_a_refusal_says_by_how_much_and_is_json(model: Callable[..., Model]) -> None:
    results = check(evidence(model(2), None, training_rows=12_000), Behaviour())

    assert str(results[0]).startswith("rows: measured 1.2e+04 flights, limit 2e+04, missed by 8e+03.")
    assert json.loads(gates.to_json(results))[0]["passed"] is False
    assert json.loads(gates.to_json([replace(results[0], measured=math.nan)]))[0]["measured"] is None


@pytest.mark.parametrize(
    ("contender", "champion", "expected"),
    [
        ("2013-04-21", None, (date(2013, 4, 22), 14)),
        ("2013-04-21", "2013-04-07", (date(2013, 4, 22), 14)),
        ("2013-04-21", "2013-04-28", (date(2013, 4, 29), 7)),
        ("2013-03-01", None, (date(2013, 4, 22), 14)),
        ("2013-05-05", None, (date(2013, 5, 6), 0)),
    ],
)
def test_no_version_is_judged_on_days_that_it_or_the_champion_learned_from(
    contender: str, champion: str | None, expected: tuple[date, int]
) -> None:
    present = datetime(2013, 5, 6, 9, tzinfo=UTC)
    holder = version(1, trained_through=champion) if champion else None

    days = held_out_days(version(2, trained_through=contender), holder, present, 14)

    assert (days.first, len(days)) == expected


class FakeRegistry:
    """The reader and the writer of `ontime.registry.promotion`, over dicts."""

    def __init__(self, **aliases: int) -> None:
        self.moved: dict[str, int] = dict(aliases)
        self.tags: dict[str, str] = {}

    def __call__(self, url: str) -> FakeRegistry:
        return self

    def __enter__(self) -> FakeRegistry:
        return self

    def __exit__(self, *_: object) -> None: ...

    def aliases(self) -> dict[str, int]:
        return self.moved

    def alias(self, name: str, number: int) -> None:
        self.moved = {**self.moved, name: number}

    def tag(self, number: int, key: str, value: str) -> None:
        self.tags[key] = value


@pytest.fixture
def promote(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeRegistry, Evidence], None]:
    def run(registry: FakeRegistry, found: Evidence) -> None:
        @contextmanager
        def gathered(*_: object) -> Iterator[Evidence]:
            yield found

        monkeypatch.setattr(gates, "gather", gathered)
        monkeypatch.setattr(promotion, "RegistryReader", registry)
        monkeypatch.setattr(promotion, "_Writer", registry)
        number = found.contender.version.version
        present = datetime(2013, 5, 6, 9, tzinfo=UTC)
        promotion.promote(number, url="", warehouse=found.warehouse, behaviour=Behaviour(), present=present)

    return run


def test_a_promotion_makes_the_old_champion_the_previous_one(
    model: Callable[..., Model], promote: Callable[[FakeRegistry, Evidence], None]
) -> None:
    registry = FakeRegistry(champion=2, previous=1)

    promote(registry, evidence(model(3, seed=4), model(2)))

    assert registry.moved == {"champion": 3, "previous": 2}
    assert all(row["passed"] for row in json.loads(registry.tags["gates"]))


def test_promoting_the_champion_again_keeps_the_previous_one(
    model: Callable[..., Model], promote: Callable[[FakeRegistry, Evidence], None]
) -> None:
    registry = FakeRegistry(champion=2, previous=1)

    promote(registry, evidence(model(2), model(2)))

    assert registry.moved == {"champion": 2, "previous": 1}


def test_a_refused_promotion_moves_nothing_and_keeps_its_verdict(
    model: Callable[..., Model], promote: Callable[[FakeRegistry, Evidence], None]
) -> None:
    registry = FakeRegistry(champion=2, previous=1)
    slow = evidence(model(3, seed=4), model(2), latency=latency.Latency(63.0, 0.4))

    with pytest.raises(GateRefusedError, match=r"refused by 1 of 7 gates\. \[latency: measured 157.5 x reference"):
        promote(registry, slow)

    assert registry.moved == {"champion": 2, "previous": 1}
    assert [row["gate"] for row in json.loads(registry.tags["gates"]) if not row["passed"]] == ["latency"]


def test_a_version_without_an_unseen_day_is_not_judged(
    model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reader:
        def version(self, number: int) -> Any:
            return version(number, trained_through="2013-05-05")

        def alias(self, name: str) -> None:
            return None

    seen = version(2, trained_through="2013-05-05")
    monkeypatch.setattr("ontime.gates.evidence._load", lambda *_: replace(model(2), version=seen))

    with pytest.raises(RegistryError, match="no held-out day"):
        gates.check_version(
            2,
            reader=Reader(),  # type: ignore[arg-type]
            warehouse=Warehouse(Path("/nowhere")),
            behaviour=Behaviour(training=TrainingBehaviour()),
            present=datetime(2013, 5, 6, 9, tzinfo=UTC),
        )


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Three days of a flight every ten minutes by day, each leaving and arriving with a delay of its own."""
    stored = Warehouse(tmp_path)
    random = np.random.default_rng(8)
    rows: dict[str, list[dict[str, Any]]] = {"schedules": [], "departures": [], "arrivals": []}
    for index in range(3 * 90):
        day, slot = divmod(index, 90)
        departs = datetime(2013, 5, 6, 11, tzinfo=UTC) + timedelta(days=day, minutes=10 * slot)
        delay = float(random.uniform(-5, 90))
        flight = f"flight-{index}"
        rows["schedules"].append(schedule(flight, departs, tail_number=f"N{100 + index % 40}"))
        left = departs + timedelta(minutes=delay)
        rows["departures"].append(departure(flight, left + timedelta(minutes=1), delay))
        landed = left + timedelta(hours=2)
        rows["arrivals"].append(
            arrival(flight, landed + timedelta(minutes=2), delay, tail_number=f"N{100 + index % 40}")
        )
    for name, events in rows.items():
        stored.write(name, pa.Table.from_pylist(events, TABLES[name].schema))
    return stored


@pytest.fixture
def learned(warehouse: Warehouse) -> pa.Table:
    days = Days(date(2013, 5, 6), date(2013, 5, 8))
    return load_frame(warehouse, days, datetime(2013, 5, 10, tzinfo=UTC))


def test_point_in_time_features_do_not_leak(warehouse: Warehouse, learned: pa.Table) -> None:
    found = leaks.find(warehouse, learned)

    assert found.flights == 0
    assert found.compared >= 3


def test_a_feature_that_knows_its_own_delay_is_found_by_value(warehouse: Warehouse, learned: pa.Table) -> None:
    position = learned.column_names.index("origin_dep_delay_mean_1h")
    own_delay = learned["arr_delay_minutes"].cast(pa.float32())

    found = leaks.find(warehouse, learned.set_column(position, "origin_dep_delay_mean_1h", own_delay))

    assert found.by_value > 0
    assert found.features == ("origin_dep_delay_mean_1h",)
    assert found.by_time == 0


def test_a_feature_that_came_after_its_use_is_found_by_time(warehouse: Warehouse, learned: pa.Table) -> None:
    position = learned.column_names.index("available_at_max")

    found = leaks.find(warehouse, learned.set_column(position, "available_at_max", learned["sched_dep_at"]))

    assert found.by_time == learned.num_rows
    assert found.by_value == 0
