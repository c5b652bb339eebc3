"""What has to be there before a component can start: databases, rendered configuration, a history."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from ontime.errors import RuntimeStateError
from ontime.files import replacing
from ontime.runtime import airflow_database, airflow_settings
from ontime.runtime.child import run_python
from ontime.settings import Environment

SECONDS = 180.0
DATABASE_SECONDS = 120.0

FEATURE_DEFINITIONS = (
    "feature_repo",
    "platform/ontime/contract.py",
    "platform/ontime/features",
    "platform/ontime/online.py",
    "platform/ontime/plain_feast.py",
)
"""What the feature registry is made from."""


def complete(
    environment: Environment, root: Path, arguments: list[str], log: str, extra: Mapping[str, str] | None = None
) -> None:
    """Runs Python with `arguments` out of `root`, its output in `log/<log>.log`.

    Raises `RuntimeStateError` with the last lines when it fails or takes longer than `SECONDS`.
    """
    code, output = run_python(environment, root, arguments, SECONDS, extra)
    path = environment.logs / f"{log}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(output)
    if code == 0:
        return
    ended = f"ended with exit code {code}" if code is not None else f"was not done after {SECONDS:.0f} s"
    said = "\n".join(f"  {line}" for line in output.splitlines()[-12:])
    raise RuntimeStateError(f"The preparation {log} {ended}. Its last lines in {path}:\n{said}")


def digest(root: Path, paths: Iterable[str]) -> str:
    """SHA-256 over names and contents of the files below `paths`."""
    total = hashlib.sha256()
    for path in paths:
        place = root / path
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and file.suffix != ".pyc":
                total.update(f"{file.relative_to(root)}\0".encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def database_answers(url: str) -> None:
    """Waits until the server of a SQLAlchemy URL takes connections. Raises `RuntimeStateError` naming it."""
    parts = urlsplit(url)
    address = (parts.hostname or "localhost", parts.port or 5432)
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            _ask_postgres(address)
            return
        except OSError as error:
            if time.monotonic() > deadline:
                name = f"{address[0]}:{address[1]}"
                raise RuntimeStateError(
                    f"The database at {name} did not answer in {DATABASE_SECONDS:.0f} s: {error}"
                ) from error
        time.sleep(0.5)


SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's first message: whether it would speak TLS. It answers one letter, and so nothing but itself does."""


def _ask_postgres(address: tuple[str, int]) -> None:
    """Raises `OSError` unless PostgreSQL itself answers: a forwarder takes connections for a server that is down."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(SSL_REQUEST)
        if connection.recv(1) not in {b"S", b"N"}:
            raise ConnectionError("something takes connections, but it is not PostgreSQL")


def airflow_tables(environment: Environment, root: Path) -> None:
    if environment.airflow_database:
        database_answers(environment.airflow_database)
    if airflow_database.is_prepared(environment, version("apache-airflow-core")):
        return
    complete(
        environment,
        root,
        ["-m", "ontime.runtime.airflow_database"],
        "airflow-database",
        airflow_settings.variables(environment),
    )


def feature_registry(environment: Environment, root: Path) -> None:
    """Applies the feature definitions when they, or the registry, are not those that were applied last."""
    environment.online.mkdir(parents=True, exist_ok=True)
    mark = environment.online / "applied.sha256"
    wanted = digest(root, FEATURE_DEFINITIONS)
    if mark.exists() and mark.read_text() == wanted and (environment.online / "registry.db").exists():
        return
    complete(environment, root, ["-m", "ontime.runtime.apply_features"], "feature-registry")
    mark.write_text(wanted)


def mlflow_database(environment: Environment, root: Path) -> None:
    """MLflow makes its tables itself, once their database answers."""
    if environment.mlflow_database:
        database_answers(environment.mlflow_database)


def prometheus_files(environment: Environment, root: Path) -> None:
    """Prometheus' configuration, and a past when it has none yet."""
    place = environment.state / "prometheus"
    _rendered(environment, root, "monitoring.prometheus.render", place / "prometheus.yml")
    if not any((place / "data").iterdir()):
        complete(environment, root, ["-m", "ontime.runtime.write_past"], "prometheus-past")


def alertmanager_files(environment: Environment, root: Path) -> None:
    path = environment.state / "alertmanager" / "alertmanager.yml"
    _rendered(environment, root, "monitoring.alertmanager.render", path)


def _rendered(environment: Environment, root: Path, module: str, into: Path) -> None:
    """Writes what the release's `module.render(environment)` answers; `monitoring` is never imported here."""
    program = "import importlib, pathlib, sys; from ontime.settings import environment; "
    program += "pathlib.Path(sys.argv[2]).write_text(importlib.import_module(sys.argv[1]).render(environment()))"
    with replacing(into) as draft:
        complete(environment, root, ["-c", program, module, str(draft)], module)


def directories(environment: Environment) -> None:
    """Everything that components expect to exist."""
    for name in (
        *("warehouse", "landing", "online", "mlflow/artifacts", "airflow", "bentoml", "reports", "log", "run"),
        *("prometheus/data", "alertmanager/data"),
    ):
        (environment.state / name).mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Done from the current release (the second argument of `run`) before `before` start."""

    name: str
    run: Callable[[Environment, Path], None]
    before: tuple[str, ...]


PREPARATIONS = (
    Preparation("MLflow's database", mlflow_database, ("mlflow",)),
    Preparation("feature registry", feature_registry, ("ingest", "serving", "exporter")),
    Preparation(
        "Airflow's tables", airflow_tables, ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor")
    ),
    Preparation("Prometheus' configuration and past", prometheus_files, ("prometheus",)),
    Preparation("Alertmanager's configuration", alertmanager_files, ("alertmanager",)),
)
