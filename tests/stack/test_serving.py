"""`python -m serving` for real: BentoML with one worker and with two, killed, asked by Schemathesis, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pyarrow as pa
import pytest

from ontime import online
from ontime.clock import Segment, write_segments
from ontime.contract import FEATURE_NAMES, VIEWS, Prediction, PredictionBatch
from ontime.export import write_onnx
from ontime.features import entity_of
from ontime.settings import Environment, TrainingBehaviour
from ontime.training.booster import LABEL, train
from ontime.warehouse import Warehouse
from tests.stack.driver import ROOT, free_ports, until
from tests.unit.serving.conftest import ENTITIES, FLIGHT, NOON, flight, view_rows

pytestmark = pytest.mark.stack

READY_SECONDS = 90


@dataclass(frozen=True)
class Served:
    """A running service without MLflow, serving the model it served last."""

    process: subprocess.Popen[bytes]
    environment: Environment
    workers: int
    log: Path

    @property
    def url(self) -> str:
        return self.environment.serving_url

    def ask(self, body: Any) -> httpx.Response:
        """Over a connection of its own, so that any worker may answer."""
        return httpx.post(f"{self.url}/predict", json=body, timeout=20)

    def counted(self) -> float:
        """Requests answered with 200, as a scrape of any worker says."""
        text = httpx.get(f"{self.url}/metrics", timeout=20).text
        lines = [line for line in text.splitlines() if line.startswith("ontime_predict_requests_total{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines if 'code="200"' in line)

    def worker_processes(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "_bentoml_impl.worker.service" in " ".join(child.cmdline())]

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def prepare(environment: Environment) -> None:
    """Features for FLIGHT, a clock that runs, and a model that was served before."""
    online.apply(environment)
    features = online.OnlineFeatures.open(environment)
    for view in VIEWS:
        features.push(view, view_rows(view, ENTITIES[entity_of(view)], NOON))
    write_segments(environment.clock, (Segment(time.time(), NOON.timestamp(), 1.0),))
    random = np.random.default_rng(5)
    matrix = random.random((1_000, len(FEATURE_NAMES)))
    rows = {name: matrix[:, i] for i, name in enumerate(FEATURE_NAMES)} | {LABEL: (matrix[:, 9] > 0.6).astype(float)}
    models = environment.state / "serving" / "models"
    small = TrainingBehaviour(trees=5, leaves=7, min_leaf_rows=20)
    draft = write_onnx(train(pa.table(rows), small), models / "model.onnx")
    path = draft.rename(models / f"{sha256(draft.read_bytes()).hexdigest()}.onnx")
    (models / "last-good.json").write_text(json.dumps({"champion": {"version": 7, "file": path.name}}))


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(tmp_path_factory.mktemp("serving"), request.param) as found:
        yield found


@contextmanager
def running(state: Path, workers: int) -> Iterator[Served]:
    port, unused = free_ports(2)
    environment = Environment(
        state=state, serving_url=f"http://127.0.0.1:{port}", mlflow_url=f"http://127.0.0.1:{unused}"
    )
    prepare(environment)
    variables = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "ONTIME_STATE": str(state),
        "ONTIME_SERVING_URL": environment.serving_url,
        "ONTIME_MLFLOW_URL": environment.mlflow_url,
        "ONTIME_SERVING_WORKERS": str(workers),
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
    }
    log = state / "serving.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving"], env=variables, cwd=state, stdout=output, stderr=output
        )
    found = Served(process, environment, workers, log)
    try:
        until(found.ready, f"serving ready; its log: {log}", READY_SECONDS)
        until(lambda: len(worker_pids(found)) == found.workers, "every worker started", READY_SECONDS)
        yield found
    finally:
        if process.poll() is None:
            stop(found)


def worker_pids(served: Served) -> set[str]:
    """Workers that have made their metrics, by their files."""
    files = (served.environment.state / "bentoml" / "prometheus_multiproc_dir").glob("gauge_livesum_*.db")
    return {pid for file in files if psutil.pid_exists(int(pid := file.stem.rpartition("_")[2]))}


def stop(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    try:
        served.process.wait(30)
    except subprocess.TimeoutExpired:
        for child in psutil.Process(served.process.pid).children(recursive=True):
            child.kill()
        served.process.kill()
        served.process.wait(10)
        pytest.fail("serving did not stop within 30 s")


def test_one_flight_and_a_batch_are_answered(served: Served) -> None:
    single, batch = served.ask(FLIGHT), served.ask({"flights": [FLIGHT, flight(tail_number=None)]})

    assert Prediction.model_validate(single.json(), strict=True).model_version == "7"
    assert single.headers["x-request-id"]
    assert [p.degraded for p in PredictionBatch.model_validate(batch.json()).predictions] == [False, False]


def test_every_worker_tells_the_same_and_nothing_is_lost(served: Served) -> None:
    before = served.counted()
    with ThreadPoolExecutor(8) as threads:
        codes = [response.status_code for response in threads.map(served.ask, [FLIGHT] * 200)]
    told = [served.counted() for _ in range(10)]

    assert set(codes) == {200}
    assert told == [before + 200] * 10


def test_documents_page_and_health(served: Served) -> None:
    paths = ("/", "/static_content/swagger-ui-bundle.js", "/docs.json", "/openapi.json", "/healthz")
    found = {path: httpx.get(served.url + path, timeout=10) for path in paths}

    assert {path: response.status_code for path, response in found.items()} == dict.fromkeys(paths, 200)
    assert "https://" not in found["/"].text
    assert found["/docs.json"].json()["paths"].keys() >= {"/predict"}


def test_schemathesis_finds_no_failure_and_no_answer_outside_the_document(served: Served) -> None:
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json"),
            *("--checks", checks, "--max-examples", "60", "--seed", "7", "--no-color"),
            *("--phases", "examples,coverage,fuzzing"),
        ],
        cwd=served.environment.state,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_a_killed_worker_is_replaced_and_totals_do_not_go_back(served: Served) -> None:
    served.ask(FLIGHT)
    before, pids = served.counted(), worker_pids(served)
    victim = served.worker_processes()[0]
    victim.kill()
    until(
        lambda: len(now := worker_pids(served)) == served.workers and now != pids and served.ready(),
        "a new worker in place of the killed one",
        READY_SECONDS,
    )
    answer = served.ask(FLIGHT)

    assert answer.json()["model_version"] == "7"
    assert served.counted() == before + 1


def test_stopping_writes_the_log_and_leaves_no_process(served: Served) -> None:
    served.ask(flight(flight_id="2013-05-06-UA-9999-EWR"))
    children = psutil.Process(served.process.pid).children(recursive=True)
    stop(served)
    rows = Warehouse(served.environment.warehouse).read("predictions")

    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert "2013-05-06-UA-9999-EWR" in rows["flight_id"].to_pylist()
    assert "Traceback" not in served.log.read_text()


def test_workers_do_not_outlive_the_process_that_watches_them(tmp_path: Path) -> None:
    with running(tmp_path, 1) as served:
        served.ask(FLIGHT)
        children = psutil.Process(served.process.pid).children(recursive=True)
        served.process.kill()
        served.process.wait(10)
        until(lambda: not any(child.is_running() for child in children), "no worker left", 30)
        rows = Warehouse(served.environment.warehouse).read("predictions")

    assert rows["flight_id"].to_pylist() == [FLIGHT["flight_id"]]
