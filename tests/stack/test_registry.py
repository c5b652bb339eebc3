"""Registration, download, promotion and rollback against a real MLflow server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

from ontime import gates
from ontime.errors import ArtifactError, GateRefusedError, RegistryError, UnknownNameError
from ontime.registry import CHAMPION, PREVIOUS, ModelVersion, RegistryReader
from ontime.registry.promotion import promote, rollback
from ontime.scorer import Scorer
from ontime.settings import Behaviour, GateBehaviour, TrainingBehaviour
from ontime.training.retrain import retrain
from ontime.warehouse import TABLES, Warehouse
from tests.unit.ontime.features.flights import arrival, departure, schedule

pytestmark = pytest.mark.stack

PRESENT = datetime(2013, 5, 6, 9, tzinfo=UTC)
READY_SECONDS = 120
BEHAVIOUR = Behaviour(
    training=TrainingBehaviour(window_days=20, holdout_days=8, trees=20, leaves=7, min_leaf_rows=10, threads=1),
    gates=GateBehaviour(min_rows=300, max_first_calibration_error=1.0, max_calibration_error=1.0),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server as the local runtime starts it, on a free port."""
    root = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{root / 'mlflow.db'}", "--serve-artifacts"),
        *("--artifacts-destination", str(root / "artifacts")),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}
    with (root / "log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True)
    found = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(found, server, root / "log")
        yield found
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail(f"MLflow did not answer within {READY_SECONDS} s: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Twenty days of a flight every twenty minutes by day; whoever leaves late arrives late."""
    stored = Warehouse(tmp_path_factory.mktemp("warehouse"))
    random = np.random.default_rng(8)
    rows: dict[str, list[dict[str, object]]] = {"schedules": [], "departures": [], "arrivals": []}
    for day in range(20):
        trouble = random.uniform(0, 40)
        for slot in range(45):
            departs = datetime(2013, 4, 16, 11, tzinfo=UTC) + timedelta(days=day, minutes=20 * slot)
            delay, name = float(random.normal(trouble, 15)), f"flight-{day}-{slot}"
            left = departs + timedelta(minutes=delay)
            rows["schedules"].append(schedule(name, departs, tail_number=None))
            rows["departures"].append(departure(name, left + timedelta(minutes=1), delay))
            rows["arrivals"].append(arrival(name, left + timedelta(minutes=152), delay, tail_number=None))
    for table, events in rows.items():
        stored.write(table, pa.Table.from_pylist(events, TABLES[table].schema))
    return stored


@pytest.fixture(scope="module")
def versions(url: str, warehouse: Warehouse) -> tuple[ModelVersion, ModelVersion]:
    """Two trainings: a quick one and one with more trees."""
    more = BEHAVIOUR.training.model_copy(update={"trees": 40})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's imports deprecate one another
        first = retrain(warehouse, url, BEHAVIOUR.training, PRESENT)
        second = retrain(warehouse, url, more, PRESENT, tags={"note": "more trees"})
    return first, second


@pytest.fixture
def reader(url: str) -> Iterator[RegistryReader]:
    with RegistryReader(url) as found:
        yield found


def run_gates(version: int, url: str, warehouse: Warehouse, behaviour: Behaviour = BEHAVIOUR) -> list[gates.GateResult]:
    return promote(version, url=url, warehouse=warehouse, behaviour=behaviour, present=PRESENT)


def test_a_registered_version_says_where_it_comes_from(
    versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader
) -> None:
    first, second = versions

    assert (first.trained_from, first.trained_through) == (date(2013, 4, 16), date(2013, 4, 27))
    assert first.rows == 12 * 45
    assert second.tags["note"] == "more trees"
    assert [version.version for version in reader.versions()] == [second.version, first.version]


def test_the_run_keeps_figures_plots_and_an_mlflow_model(
    versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader, url: str
) -> None:
    run = httpx.get(f"{url}/api/2.0/mlflow/runs/get", params={"run_id": versions[0].run_id}).json()["run"]

    metrics = {entry["key"] for entry in run["data"]["metrics"]}
    parameters = {entry["key"]: entry["value"] for entry in run["data"]["params"]}
    assert {"log_loss", "auc", "brier", "observed_expected_ln", "rows", "slice/origin/EWR/log_loss"} <= metrics
    assert (parameters["trees"], parameters["held_out_from"]) == ("20", "2013-04-28")
    assert run["info"]["status"] == "FINISHED"
    for name in ("calibration", "importance"):
        assert reader.run_artifact(versions[0], f"evaluation/{name}.png").startswith(b"\x89PNG")
    described = reader.artifact(versions[0], "MLmodel").decode()
    assert "onnx:" in described
    assert "signature:" in described


def test_the_downloaded_model_scores(
    versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader, tmp_path: Path
) -> None:
    Scorer(reader.download(versions[0], tmp_path)).warm_up()


def test_promotion_rollback_and_refusal(
    versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader, url: str, warehouse: Warehouse
) -> None:
    first, second = (version.version for version in versions)
    assert reader.alias(CHAMPION) is None

    run_gates(first, url, warehouse)
    assert reader.aliases() == {CHAMPION: first}

    strict = BEHAVIOUR.model_copy(update={"gates": BEHAVIOUR.gates.model_copy(update={"min_rows": 100_000})})
    with pytest.raises(GateRefusedError, match="rows: measured 540 flights, limit 1e\\+05"):
        run_gates(second, url, warehouse, strict)
    assert reader.aliases() == {CHAMPION: first}
    assert '"gate":"rows","passed":false' in reader.version(second).tags["gates"]

    lenient = BEHAVIOUR.gates.model_copy(update={"max_log_loss_increase": 1.0, "max_slice_log_loss_increase": 1.0})
    run_gates(second, url, warehouse, BEHAVIOUR.model_copy(update={"gates": lenient}))
    assert reader.aliases() == {CHAMPION: second, PREVIOUS: first}

    assert rollback(url) == first
    assert reader.aliases()[CHAMPION] == first


def test_a_check_changes_nothing(
    versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader, warehouse: Warehouse
) -> None:
    before = (reader.aliases(), reader.version(versions[1].version).tags)

    results = gates.check_version(
        versions[1].version, reader=reader, warehouse=warehouse, behaviour=BEHAVIOUR, present=PRESENT
    )

    assert [result.gate for result in results] == list(gates.GATES)
    assert (reader.aliases(), reader.version(versions[1].version).tags) == before


def test_a_tag_that_was_changed_is_noticed(
    versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader, url: str, tmp_path: Path
) -> None:
    forged = {"name": "ontime-delay", "version": str(versions[1].version), "key": "onnx_sha256", "value": "0" * 64}
    httpx.post(f"{url}/api/2.0/mlflow/model-versions/set-tag", json=forged).raise_for_status()
    try:
        with pytest.raises(ArtifactError, match="changed after registration"):
            reader.download(reader.version(versions[1].version), tmp_path)
    finally:
        forged["value"] = versions[1].onnx_sha256
        httpx.post(f"{url}/api/2.0/mlflow/model-versions/set-tag", json=forged).raise_for_status()


def test_an_unknown_version_is_named(versions: tuple[ModelVersion, ModelVersion], reader: RegistryReader) -> None:
    with pytest.raises(UnknownNameError, match="model version '99'"):
        reader.version(99)


def test_a_port_without_a_server_is_an_error_at_once() -> None:
    with RegistryReader("http://127.0.0.1:9") as nobody, pytest.raises(RegistryError, match="did not answer"):
        nobody.alias(CHAMPION)
