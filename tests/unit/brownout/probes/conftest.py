"""A small real world: six days of flights, a model trained on them, a record, an online store and a registry."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brownout.probes import Memory, ProbeView, Reference
from brownout.probes.truth import Truth
from brownout.settings import Harness
from brownout.world.record import Answer, Record
from ontime.clock import Segment, write_segments
from ontime.contract import FEATURE_NAMES, contract_hash
from ontime.export import write_onnx
from ontime.features import EVENT_TABLES
from ontime.settings import Environment
from ontime.training.booster import features, labels
from ontime.warehouse import TABLES

FIRST = datetime(2013, 5, 1, 10, tzinfo=UTC)
NOW = datetime(2013, 5, 4, 18, tzinfo=UTC)
DESTINATIONS = {"SFO": 2586.0, "ORD": 730.0, "BOS": 190.0, "MIA": 1090.0}


def canonical() -> dict[str, pa.Table]:
    """Six days with a flight every four minutes from 06:00 to 22:00 New York time; delays come in waves."""
    source = np.random.default_rng(5)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in EVENT_TABLES}
    carriers, origins = ("UA", "B6", "DL"), ("EWR", "JFK", "LGA")
    for day in range(6):
        for number in range(240):
            departs = FIRST + timedelta(days=day, minutes=4 * number)
            carrier, origin = carriers[number % 3], origins[(number // 3) % 3]
            destination, miles = list(DESTINATIONS.items())[int(source.integers(4))]
            minutes = 45 + round(miles * 0.128)
            wave = 40 * max(0.0, np.sin((day * 240 + number) / 37))
            delay = float(round(source.normal(wave - 5, 12)))
            flight_id = f"{departs:%Y-%m-%d}-{carrier}-{1000 + number}-{origin}"
            flight = {"flight_id": flight_id, "origin": origin, "carrier": carrier, "destination": destination}
            tail = f"N{100 + number % 60}AA"
            schedule = {
                **flight,
                "flight_number": 1000 + number,
                "tail_number": tail,
                "sched_dep_at": departs,
                "distance_miles": miles,
                "scheduled_minutes": float(minutes),
            }
            left, landed = departs + timedelta(minutes=delay), departs + timedelta(minutes=minutes + delay)
            rows["schedules"].append(_event("schedule", departs, departs - timedelta(hours=36), schedule))
            rows["departures"].append(
                _event("departure", left, left + timedelta(minutes=1), {**flight, "dep_delay_minutes": delay})
            )
            rows["arrivals"].append(
                _event(
                    "arrival",
                    landed,
                    landed + timedelta(minutes=2),
                    {**flight, "tail_number": tail, "arr_delay_minutes": delay, "taxi_minutes": 25.0},
                )
            )
    return {
        name: pa.Table.from_pylist(
            sorted(
                ({column: row.get(column) for column in TABLES[name].schema.names} for row in found),
                key=lambda row: str(row["available_at"]),
            ),
            schema=TABLES[name].schema,
        )
        for name, found in rows.items()
    }


def _event(kind: str, at: datetime, available: datetime, fields: dict[str, Any]) -> dict[str, Any]:
    known = {"event_id": f"{kind}:{fields['flight_id']}", "event_time": at, "available_at": available}
    return {**known, "ingested_at": available, **fields}


def trained(truth: Truth, path: Path, trees: int, shuffled: bool = False) -> Path:
    frame = truth.known_flights(FIRST, NOW - timedelta(hours=12))
    late = labels(frame)
    if shuffled:
        late = np.random.default_rng(1).permutation(1 - late)
    data = lgb.Dataset(features(frame), late, feature_name=list(FEATURE_NAMES))
    settings = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "seed": 3}
    return write_onnx(lgb.train(settings, data, num_boost_round=trees), path)


class Registry(BaseHTTPRequestHandler):
    """The few answers of MLflow's registry that probes ask for, and ingest's health."""

    versions: dict[str, Path]
    aliases: dict[str, str]
    deleted: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, body: bytes, code: int = 200) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _json(self, body: Any) -> None:
        self._send(json.dumps(body).encode())

    def _version(self, number: str) -> dict[str, Any]:
        known = self.versions.get(number)
        digest = sha256(known.read_bytes()).hexdigest() if known else ""
        tags = {"contract_hash": contract_hash(), "onnx_sha256": digest}
        return {
            "version": number,
            "run_id": f"run-{number}",
            "source": f"mlflow-artifacts:/1/run-{number}/artifacts/model",
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(address.query).items()}
        if address.path == "/healthz":
            self._json({"status": "alive"})
        elif address.path.endswith("registered-models/get"):
            named = [{"alias": alias, "version": version} for alias, version in self.aliases.items()]
            self._json({"registered_model": {"aliases": named}})
        elif address.path.endswith("model-versions/search"):
            self._json({"model_versions": [self._version(number) for number in self.versions]})
        elif address.path.endswith("model-versions/get"):
            self._json({"model_version": self._version(asked["version"])})
        elif address.path.endswith("get-artifact"):
            self._send(self.versions[asked["version"]].read_bytes())
        else:
            self._send(b"{}", 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        source = next(n for n in self.versions if body["source"].endswith(f"run-{n}/artifacts/model"))
        number = str(max(map(int, self.versions)) + 1)
        self.versions[number] = self.versions[source]
        self._json({"model_version": {"version": number}})

    def do_DELETE(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        del self.versions[body["version"]]
        self.deleted.append(body["version"])
        self._json({})


@dataclass
class SmallStack:
    """The world's record and the platform's state, to be filled as a test wants them."""

    view: ProbeView
    truth: Truth
    registry: type[Registry]
    models: dict[str, Path]
    _asked: int = field(default=0)

    def flights(self, count: int, before: datetime = NOW) -> list[dict[str, Any]]:
        rows = self.truth.events("schedules", before - timedelta(hours=40), before).to_pylist()
        return [row for row in rows if before - timedelta(minutes=30) < row["sched_dep_at"]][:count]

    def answer(
        self,
        count: int = 120,
        tick: int = 0,
        version: str = "1",
        latency_ms: float = 8.0,
        batch: int = 50,
        minutes_factor: float = 1.0,
        code: int = 200,
        offset: float = 0.0,
    ) -> None:
        """The world asks now; serving answers with features of `tick` grid points ago."""
        flights = (self.flights(count) * 20)[:count]
        wrong = [{**f, "scheduled_minutes": f["scheduled_minutes"] * minutes_factor} for f in flights]
        at = self.truth.ticks_before(NOW - timedelta(minutes=1), tick + 1)[tick]
        midnight = self.truth.midnights_before(NOW, 1)[0]
        from ontime.scorer import Scorer

        known = self.models.get(version, self.models["1"])
        scores = Scorer(known).score(self.truth.matrix([(flight, at, midnight) for flight in wrong])) + offset
        rows = []
        for index, (flight, score) in enumerate(zip(flights, scores, strict=True)):
            if index % batch == 0:
                self._asked += 1
            rows.append(
                Answer(
                    request_id=f"r{self._asked}",
                    flight_id=flight["flight_id"],
                    asked_world=NOW.timestamp(),
                    asked_wall=time.time(),
                    latency_ms=latency_ms,
                    code=code,
                    batch_size=batch,
                    lead_minutes=60.0,
                    late_probability=float(score) if code == 200 else None,
                    model_version=version if code == 200 else None,
                    degraded=0,
                    error=None if code == 200 else "refused",
                )
            )
        record = Record(self.view.harness.record)
        record.answered(rows)
        record.close()

    def looking(self, **changes: Any) -> ProbeView:
        return replace(self.view, **changes)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("canonical")
    for name, rows in canonical().items():
        pq.write_table(rows, directory / f"{name}.parquet")
    return directory


@pytest.fixture(scope="session")
def models(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Version 1 is the baseline's champion, 2 an honest other one, 3 a bad one, 4 an oversized one."""
    directory, truth = tmp_path_factory.mktemp("models"), Truth(data)
    return {
        "1": trained(truth, directory / "1.onnx", 20),
        "2": trained(truth, directory / "2.onnx", 30),
        "3": trained(truth, directory / "3.onnx", 20, shuffled=True),
        "4": trained(truth, directory / "4.onnx", 2000),
    }


@pytest.fixture
def stack(data: Path, models: dict[str, Path], tmp_path: Path) -> Iterator[SmallStack]:
    handler = type(
        "Served", (Registry,), {"versions": dict(models), "aliases": {"champion": "1", "previous": "2"}, "deleted": []}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    state = tmp_path / "harness"
    (state / "world").mkdir(parents=True)
    (state / "data").symlink_to(data)
    write_segments(state / "world" / "clock.json", (Segment(0.0, NOW.timestamp(), 0.0),))
    view = ProbeView(
        environment=Environment(state=tmp_path / "platform", mlflow_url=url, ingest_url=url),
        harness=Harness(state=state),
        reference=Reference("1", models["1"]),
        onset_world=(NOW - timedelta(hours=12)).timestamp(),
        memory=Memory(),
    )
    yield SmallStack(view, Truth(data), handler, models)
    server.shutdown()
    thread.join()
    server.server_close()
