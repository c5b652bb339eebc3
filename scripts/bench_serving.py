"""One flight through the whole of serving against `mlflow models serve` on the same model without features.

    PYTHONPATH=platform:. python scripts/bench_serving.py --out serving-bench.json

One worker each, one sitting, one load generator, rounds in turn. Everything is on the loopback interface, bounded in
requests and time, and lives in a temporary directory. Prints the JSON that it writes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import numpy as np
import psutil
import pyarrow as pa
import uvloop

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = 8
READY_SECONDS = 90.0
STALLED_SECONDS = 10.0
WORLD = datetime(2013, 5, 6, 9, tzinfo=UTC)
CARRIERS = ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX")
FLIGHTS = 3_000
AIRCRAFT = 1_500


@dataclass(frozen=True)
class Round:
    """Closed loop over `CONNECTIONS` connections; milliseconds as the caller sees them."""

    requests: int
    failures: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us_per_request: float
    generator_cpu_share: float


class Caller(asyncio.Protocol):
    """One keep-alive connection that asks again as soon as it is answered."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        request = self._load.next_request()
        assert self._transport is not None  # noqa: S101
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r\n", at) if head.find(b"\r\n", at) > 0 else None])
        if len(body) < length:
            return
        self._buffer = body[length:]
        self._load.note(time.perf_counter() - self._sent, head[9:12] == b"200")
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()


class Load:
    """Sends `requests` in turn until `seconds` are over."""

    def __init__(self, requests: list[bytes], seconds: float) -> None:
        self._requests = requests
        self._until = time.perf_counter() + seconds
        self._next = 0
        self._open = 0
        self.latencies: list[float] = []
        self.failures = 0
        self._done = asyncio.get_running_loop().create_future()

    def next_request(self) -> bytes | None:
        if time.perf_counter() >= self._until:
            return None
        self._next += 1
        return self._requests[self._next % len(self._requests)]

    def note(self, seconds: float, fine: bool) -> None:
        self.latencies.append(seconds)
        self.failures += not fine

    def lost(self) -> None:
        self._open -= 1
        if not self._open and not self._done.done():
            self._done.set_result(None)

    async def run(self, port: int) -> None:
        """Raises `TimeoutError` when a server stops answering."""
        loop = asyncio.get_running_loop()
        self._open = CONNECTIONS
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: Caller(self), "127.0.0.1", port)
        await asyncio.wait_for(self._done, self._until - time.perf_counter() + STALLED_SECONDS)


def cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds used so far by a process and its children."""
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        times = member.cpu_times()
        total += times.user + times.system
    return total


def one_round(requests: list[bytes], port: int, server: psutil.Process, seconds: float) -> Round:
    async def drive() -> Load:
        load = Load(requests, seconds)
        await load.run(port)
        return load

    used, own, started = cpu_seconds(server), time.process_time(), time.perf_counter()
    load = uvloop.run(drive())
    took = time.perf_counter() - started
    found = np.array(load.latencies) * 1e3
    return Round(
        requests=len(found),
        failures=load.failures,
        per_second=len(found) / took,
        p50_ms=float(np.percentile(found, 50)),
        p99_ms=float(np.percentile(found, 99)),
        cpu_us_per_request=(cpu_seconds(server) - used) / len(found) * 1e6,
        generator_cpu_share=(time.process_time() - own) / took,
    )


def post(path: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    )
    return head.encode() + b"\r\n\r\n" + content


def flights() -> list[dict[str, object]]:
    """Scheduled flights of one day: thirty destinations, ten airlines, a fleet; the same in every run."""
    random = np.random.default_rng(7)
    destinations = [f"{a}{b}X" for a in "ABCDEF" for b in "ABCDE"]
    found: list[dict[str, object]] = []
    for number in range(1, FLIGHTS + 1):
        origin = ("EWR", "JFK", "LGA")[int(random.integers(3))]
        carrier = CARRIERS[int(random.integers(len(CARRIERS)))]
        departs = WORLD + timedelta(minutes=int(random.integers(15, 900)))
        found.append(
            {
                "flight_id": f"{WORLD.date()}-{carrier}-{number}-{origin}",
                "origin": origin,
                "destination": destinations[int(random.integers(len(destinations)))],
                "carrier": carrier,
                "flight_number": number,
                "tail_number": f"N{int(random.integers(AIRCRAFT)):05d}",
                "sched_dep_at": departs.isoformat(),
                "distance_miles": float(random.integers(90, 2600)),
                "scheduled_minutes": float(random.integers(40, 400)),
            }
        )
    return found


def prepare_store(asked: list[dict[str, object]]) -> None:
    """Every row that the flights need, in the environment's online store."""
    from ontime import online
    from ontime.contract import VIEWS
    from ontime.features import entity_keys, entity_of
    from ontime.warehouse import TABLES

    online.apply()
    store, random = online.OnlineFeatures.open(), np.random.default_rng(8)
    keys: dict[str, set[str]] = {view: set() for view in VIEWS}
    for f in asked:
        departs = datetime.fromisoformat(str(f["sched_dep_at"]))
        by = entity_keys(str(f["origin"]), str(f["destination"]), str(f["carrier"]), str(f["tail_number"]), departs)
        for view, key in by.items():
            keys[view].add(str(key))
    for view, found in keys.items():
        entities, schema = sorted(found), TABLES[view].schema
        columns = {
            field.name: pa.array([WORLD - timedelta(minutes=5)] * len(entities), field.type)
            if pa.types.is_timestamp(field.type)
            else pa.array(random.random(len(entities)))
            for field in schema
        }
        columns[entity_of(view)] = pa.array(entities)
        store.push(view, pa.table(columns, schema=schema))


def prepare_model(models: Path) -> Path:
    """A model of the configured size on random rows, as the one that serving last served. Answers its path."""
    from ontime.contract import FEATURE_NAMES
    from ontime.export import write_onnx
    from ontime.settings import behaviour
    from ontime.training.booster import LABEL, train

    random = np.random.default_rng(9)
    matrix = random.random((30_000, len(FEATURE_NAMES)))
    late = (matrix[:, 6:].sum(axis=1) + random.normal(0, 2, len(matrix)) > 15).astype(float)
    rows = pa.table({name: matrix[:, i] for i, name in enumerate(FEATURE_NAMES)} | {LABEL: late})
    draft = write_onnx(train(rows, behaviour().training), models / "model.onnx")
    path = draft.rename(models / f"{sha256(draft.read_bytes()).hexdigest()}.onnx")
    (models / "last-good.json").write_text(json.dumps({"champion": {"version": 1, "file": path.name}}))
    return path


def prepare_mlflow(onnx_file: Path, into: Path) -> None:
    import mlflow.onnx
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    from ontime.contract import FEATURE_NAMES

    signature = ModelSignature(Schema([TensorSpec(np.dtype("float32"), (-1, len(FEATURE_NAMES)), "features")]))
    options = {"intra_op_num_threads": 1, "inter_op_num_threads": 1, "execution_mode": "sequential"}
    mlflow.onnx.save_model(onnx.load(str(onnx_file)), into, signature=signature, onnx_session_options=options)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], variables: dict[str, str], ready: str, log: Path) -> Iterator[psutil.Process]:
    """The started server, ready; stopped at the end together with its children."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[2]} did not become ready:\n{log.read_text()[-2000:]}")
            time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False


def measure(state: Path, rounds: int, seconds: float) -> dict[str, object]:
    from ontime.clock import Segment, write_segments
    from ontime.contract import FEATURE_NAMES

    write_segments(state / "clock.json", (Segment(time.time(), WORLD.timestamp(), 1.0),))
    asked = flights()
    prepare_store(asked)
    prepare_mlflow(prepare_model(state / "serving" / "models"), state / "mlflow-model")
    ports = {"serving": free_port(), "mlflow": free_port()}
    base = {**os.environ, "ONTIME_SERVING_URL": f"http://127.0.0.1:{ports['serving']}", "ONTIME_SERVING_WORKERS": "1"}
    base |= {"ONTIME_MLFLOW_URL": "http://127.0.0.1:1", "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}", "TZ": "UTC"}
    base |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    base["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{base['PATH']}"
    mlflow = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(state / "mlflow-model"), "--workers", "1"]
    mlflow += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(ports["mlflow"])]
    row = np.random.default_rng(10).random((FLIGHTS, len(FEATURE_NAMES))).astype(np.float32)
    requests = {
        "serving": [post("/predict", flight) for flight in asked],
        "mlflow": [post("/invocations", {"inputs": [r.tolist()]}) for r in row],
    }
    results: dict[str, list[Round]] = {"serving": [], "mlflow": []}
    ours = [sys.executable, "-m", "serving"]
    with (
        running(ours, base, f"http://127.0.0.1:{ports['serving']}/readyz", state / "a.log") as a,
        running(mlflow, base, f"http://127.0.0.1:{ports['mlflow']}/ping", state / "b.log") as b,
    ):
        for name, server in (("serving", a), ("mlflow", b)):
            one_round(requests[name], ports[name], server, 2.0)
        for _ in range(rounds):
            for name, server in (("serving", a), ("mlflow", b)):
                results[name].append(one_round(requests[name], ports[name], server, seconds))
    return summary(results)


def summary(results: dict[str, list[Round]]) -> dict[str, object]:
    def middle(name: str, field: str) -> float:
        return float(statistics.median(getattr(r, field) for r in results[name]))

    ours, theirs = ("serving", "mlflow")
    return {
        "what": "one flight, one worker, closed loop",
        "connections": CONNECTIONS,
        "throughput_ratio": round(middle(ours, "per_second") / middle(theirs, "per_second"), 3),
        "p99_ratio": round(middle(ours, "p99_ms") / middle(theirs, "p99_ms"), 3),
        "cpu_ratio": round(middle(ours, "cpu_us_per_request") / middle(theirs, "cpu_us_per_request"), 3),
        "failures": sum(r.failures for found in results.values() for r in found),
        "serving": {f: round(middle(ours, f), 3) for f in Round.__dataclass_fields__},
        "mlflow_models_serve": {f: round(middle(theirs, f), 3) for f in Round.__dataclass_fields__},
        "rounds": {name: [asdict(r) for r in found] for name, found in results.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="where to write the JSON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load in each round")
    chosen = parser.parse_args()
    state = Path(tempfile.mkdtemp(prefix="serving-bench-"))
    os.environ["ONTIME_STATE"] = str(state)
    try:
        found = measure(state, min(chosen.rounds, 10), min(chosen.seconds, 30.0))
    finally:
        shutil.rmtree(state, ignore_errors=True)
    text = json.dumps(found, indent=1)
    if chosen.out:
        chosen.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
