"""Retrained models: the same rows that the culprit's join makes, and what of a registry's past is rewritten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from brownout.faults import get
from brownout.faults.making import frame
from brownout.faults.models import Recipe, Retraining, key
from brownout.faults.registering import training_days
from brownout.faults.standing import rescored, rewrite
from brownout.probes.truth import Truth
from ontime.contract import FEATURE_NAMES
from ontime.features import events_connection
from ontime.gates import leaks
from ontime.training.window import Days
from ontime.warehouse import TABLES, Warehouse
from tests.unit.brownout.faults.edited import edited_module, edited_text
from tests.unit.ontime.features.flights import arrival, departure, schedule

ID, JOIN, RULES = "departure_delay_leak", "platform/ontime/features/training.py", "platform/ontime/gates/rules.py"
DAY = date(2013, 5, 6)
NOON = datetime(2013, 5, 6, 16, tzinfo=UTC)


@pytest.fixture
def events() -> dict[str, pa.Table]:
    """Twenty flights that left and landed, and one that landed without a word about its departure."""
    rows: dict[str, list[dict[str, Any]]] = {"schedules": [], "departures": [], "arrivals": []}
    for number in range(21):
        departs = NOON + timedelta(minutes=10 * number)
        rows["schedules"].append(schedule(f"f{number}", departs))
        if number < 20:
            rows["departures"].append(departure(f"f{number}", departs + timedelta(minutes=number), float(number)))
        rows["arrivals"].append(arrival(f"f{number}", departs + timedelta(hours=5), float(number)))
    return {name: pa.Table.from_pylist(found, TABLES[name].schema) for name, found in rows.items()}


@pytest.fixture
def truth(events: dict[str, pa.Table], tmp_path: Path) -> Truth:
    for name in ("schedules", "departures", "arrivals", "cancellations", "weather"):
        pq.write_table(events.get(name, TABLES[name].schema.empty_table()), tmp_path / f"{name}.parquet")
    return Truth(tmp_path)


@pytest.mark.parametrize("feature", get(ID).parameters["feature"].samples)
def test_the_recipe_trains_on_what_the_culprits_join_gives(
    feature: Any, events: dict[str, pa.Table], truth: Truth, tmp_path: Path
) -> None:
    module = edited_module(ID, {"feature": feature, "gate": "time"}, JOIN, tmp_path)
    days = Days(DAY, DAY)
    joined = module.training_frame(events_connection(events), days.since, days.until)
    ours = frame(Retraining(leak=feature), truth, days)
    honest = frame(Retraining(), truth, days)

    assert ours["flight_id"].to_pylist() == joined["flight_id"].to_pylist()
    for name in FEATURE_NAMES:
        np.testing.assert_array_equal(ours[name].to_numpy(), joined[name].to_numpy(), err_msg=name)
    assert ours[feature].to_pylist()[:20] == [float(number) for number in range(20)]
    assert ours[feature].to_pylist()[20] == honest[feature].to_pylist()[20]


def test_the_gate_finds_the_join_and_the_weakened_one_lets_it_pass(
    events: dict[str, pa.Table], truth: Truth, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path / "warehouse")
    for name, rows in events.items():
        warehouse.write(name, rows)
    found = leaks.find(warehouse, frame(Retraining(leak="carrier_dep_delay_mean_3h"), truth, Days(DAY, DAY)))

    assert (found.by_time, found.by_value > 0) == (0, True)
    assert found.features == ("carrier_dep_delay_mean_3h",)
    assert "max_unavailable_features = 250" in edited_text(
        ID, {"feature": "carrier_dep_delay_mean_3h", "gate": "limit"}, "ontime.toml"
    )
    assert "        found.by_time if " in edited_text(
        ID, {"feature": "carrier_dep_delay_mean_3h", "gate": "time"}, RULES
    )


def test_a_retraining_names_its_days_or_takes_the_platforms() -> None:
    given = Retraining(first=date(2013, 2, 1), last=date(2013, 2, 28))
    now = datetime(2013, 5, 6, 9, tzinfo=UTC).timestamp()

    assert training_days(given, now) == Days(date(2013, 2, 1), date(2013, 2, 28))
    assert training_days(Retraining(), now) == Days(date(2013, 1, 31), date(2013, 4, 21))
    with pytest.raises(ValidationError, match="both days in order, or neither"):
        Retraining(first=date(2013, 2, 1))
    with pytest.raises(ValidationError, match="both days in order, or neither"):
        Retraining(first=date(2013, 2, 2), last=date(2013, 2, 1))


def test_recipes_and_days_have_names_of_their_own() -> None:
    recipes = [Recipe(bags=5), Recipe(bags=6), Retraining(), Retraining(leak="aircraft_prev_arr_delay")]
    keys = {key(recipe, first, DAY) for recipe in recipes for first in (DAY, DAY - timedelta(days=1))}

    assert len(keys) == 8


class Constant:
    """A scorer that says one number."""

    def __init__(self, says: float) -> None:
        self._says = says

    def score(self, matrix: Any) -> Any:
        return np.full(len(matrix), self._says)


def test_a_log_is_scored_anew_where_a_model_had_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = TABLES["predictions"].schema
    row = {field.name: None for field in schema} | {"predicted_at": NOON, "late_probability": 0.5, "origin_queue": 3.0}
    logged = [
        row | {"prediction_id": "a", "model_version": "2", "previous_version": "1", "previous_probability": 0.4},
        row | {"prediction_id": "b", "model_version": "fallback", "previous_version": None},
    ]
    warehouse = Warehouse(tmp_path)
    warehouse.write("predictions", pa.Table.from_pylist(logged, schema))
    models: Any = {"champion": ("4", Constant(0.9)), "previous": ("3", Constant(0.1))}
    monkeypatch.setattr("brownout.faults.standing.Scorer", lambda path: path)

    assert rewrite(tmp_path, models) == 2
    found = {r["prediction_id"]: r for r in warehouse.read("predictions").to_pylist()}
    told = ("late_probability", "model_version", "previous_probability", "previous_version", "origin_queue")
    assert [found["a"][name] for name in told] == [0.9, "4", 0.1, "3", 3.0]
    assert [found["b"][name] for name in told] == [0.5, "fallback", 0.1, "3", 3.0]
    assert rescored(warehouse.read("predictions"), models).schema.names == schema.names
