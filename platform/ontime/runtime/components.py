"""The one table of what the local runtime runs.

A deploy restarts the components whose declared paths changed, so a path missing here is code that changes without
effect; `tests/unit/ontime/runtime/test_components.py` compares the paths with what each component really imports.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial

from ontime.errors import UnknownNameError
from ontime.runtime import airflow_settings, tools
from ontime.runtime.address import listen_address, listens_at, port_of
from ontime.runtime.component import Component
from ontime.runtime.readiness import airflow_job, http
from ontime.settings import Environment


def ours(*names: str) -> tuple[str, ...]:
    return tuple(f"platform/ontime/{name}" for name in names)


EVERYONE = (*ours("__init__.py", "errors.py", "files.py", "settings.py", "clock.py", "contract.py"), "ontime.toml")
"""What every component of ours imports or reads."""

FEATURES = (*ours("features/", "online.py", "plain_feast.py"), "feature_repo/")


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def module(name: str, _: Environment) -> list[str]:
    return python("-m", name)


def mlflow(environment: Environment) -> list[str]:
    store = environment.state / "mlflow"
    port = port_of(environment.mlflow_url)
    people = [host for host in environment.public_hosts.split(",") if host]
    hosts = list(dict.fromkeys([f"127.0.0.1:{port}", f"localhost:{port}", listens_at(environment.mlflow_url), *people]))
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return python(
        *("-m", "mlflow", "server"),
        *("--backend-store-uri", environment.mlflow_database or f"sqlite:///{store / 'mlflow.db'}"),
        *("--serve-artifacts", "--artifacts-destination", environment.artifacts_url or str(store / "artifacts")),
        *("--host", environment.host, "--port", str(port), "--workers", "1"),
        *("--allowed-hosts", ",".join(hosts), "--cors-allowed-origins", ",".join(origins)),
    )


def airflow(arguments: tuple[str, ...], _: Environment) -> list[str]:
    return python("-m", "airflow", *arguments)


def prometheus(environment: Environment) -> list[str]:
    place = environment.state / "prometheus"
    return [
        tools.find("prometheus"),
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        "--storage.tsdb.retention.time=2d",
        f"--web.listen-address={listen_address(environment.host, environment.prometheus_url)}",
        f"--web.external-url={environment.prometheus_url}",
        "--web.enable-lifecycle",
        "--rules.alert.for-grace-period=0s",  # what fired before a restart fires after it, however short its `for`
    ]


def alertmanager(environment: Environment) -> list[str]:
    place = environment.state / "alertmanager"
    return [
        tools.find("alertmanager"),
        f"--config.file={place / 'alertmanager.yml'}",
        f"--storage.path={place / 'data'}",
        f"--web.listen-address={listen_address(environment.host, environment.alertmanager_url)}",
        f"--web.external-url={environment.alertmanager_url}",
        "--web.route-prefix=/",
        "--cluster.listen-address=",
    ]


def no_url(_: Environment) -> str | None:
    return None


COMPONENTS: dict[str, Component] = {
    component.name: component
    for component in (
        Component(
            name="mlflow",
            command=mlflow,
            url=lambda environment: environment.mlflow_url,
            ready=http(lambda environment: environment.mlflow_url, "/version"),
            variables=lambda _: {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            memory_mib=1024,
            ready_seconds=150,
        ),
        Component(
            name="ingest",
            command=partial(module, "ontime.ingest"),
            url=lambda environment: environment.ingest_url,
            ready=http(lambda environment: environment.ingest_url, "/readyz"),
            paths=(*EVERYONE, *FEATURES, *ours("warehouse.py", "ingest/")),
            modules=("ontime.ingest",),
            memory_mib=900,
        ),
        Component(
            name="serving",
            command=partial(module, "serving"),
            url=lambda environment: environment.serving_url,
            ready=http(lambda environment: environment.serving_url, "/readyz"),
            paths=(*EVERYONE, *FEATURES, *ours("warehouse.py", "scorer.py", "registry/"), "serving/"),
            modules=("serving",),
            memory_mib=1024,
        ),
        Component(
            name="airflow-api-server",
            command=partial(airflow, ("api-server",)),
            url=lambda environment: environment.airflow_pages,
            after=("serving",),
            ready=http(lambda environment: environment.airflow_url, "/api/v2/monitor/health"),
            variables=airflow_settings.variables,
            memory_mib=1024,
            ready_seconds=150,
            stop_seconds=2,  # its server has ended by then; what it does afterwards is take its routes apart
            follows_current=True,
        ),
        Component(
            name="airflow-scheduler",
            command=partial(airflow, ("scheduler", "--skip-serve-logs")),
            url=no_url,
            after=("airflow-api-server",),
            ready=airflow_job("scheduler"),
            variables=airflow_settings.variables,
            memory_mib=2560,
            ready_seconds=150,
            follows_current=True,
        ),
        Component(
            name="airflow-dag-processor",
            command=partial(airflow, ("dag-processor",)),
            url=no_url,
            after=("airflow-api-server",),
            ready=airflow_job("dag_processor"),
            variables=airflow_settings.variables,
            memory_mib=1024,
            ready_seconds=150,
            follows_current=True,
        ),
        Component(
            name="exporter",
            command=partial(module, "monitoring.exporter"),
            url=lambda environment: environment.exporter_url,
            ready=http(lambda environment: environment.exporter_url, "/readyz"),
            paths=(*EVERYONE, *FEATURES, *ours("warehouse.py", "scorer.py", "registry/", "figures.py"), "monitoring/"),
            modules=("monitoring.exporter",),
            memory_mib=900,
        ),
        Component(
            name="dashboards",
            command=partial(module, "monitoring.dashboards"),
            url=lambda environment: environment.dashboards_url,
            ready=http(lambda environment: environment.dashboards_url, "/readyz"),
            paths=(*EVERYONE, "monitoring/"),
            modules=("monitoring.dashboards",),
            memory_mib=400,
        ),
        Component(
            name="prometheus",
            command=prometheus,
            url=lambda environment: environment.prometheus_url,
            ready=http(lambda environment: environment.prometheus_url, "/-/ready"),
            paths=("monitoring/prometheus/",),
            memory_mib=600,
        ),
        Component(
            name="alertmanager",
            command=alertmanager,
            url=lambda environment: environment.alertmanager_url,
            ready=http(lambda environment: environment.alertmanager_url, "/-/ready"),
            paths=("monitoring/alertmanager/",),
            memory_mib=200,
        ),
    )
}


def chosen(names: Iterable[str]) -> list[Component]:
    """The named components in the table's order. Raises `UnknownNameError` with the nearest known names."""
    wanted = set(names)
    for name in sorted(wanted):
        if name not in COMPONENTS:
            raise UnknownNameError.of("component", name, COMPONENTS)
    return [component for component in COMPONENTS.values() if component.name in wanted]


def touched_by(paths: Iterable[str]) -> list[Component]:
    """The components that a change of `paths` restarts, in the table's order."""
    changed = list(paths)
    return [c for c in COMPONENTS.values() if any(c.runs_code_of(path) for path in changed)]
