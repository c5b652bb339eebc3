"""Whether each component says that it can work, asked over HTTP as a client would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
from ontime.settings import Environment

from monitoring.exporter.look import Collector, Look, Sample, sample

TIMEOUT = httpx.Timeout(1.5)
EVERY_SECONDS = 10.0
AIRFLOW_PARTS = {
    "metadatabase": "airflow-api-server",
    "scheduler": "airflow-scheduler",
    "dag_processor": "airflow-dag-processor",
}

Probe = Callable[[httpx.Client], dict[str, bool]]


def ready(component: str, url: str) -> Probe:
    """Up when `url` answers 200."""

    def probe(client: httpx.Client) -> dict[str, bool]:
        try:
            return {component: client.get(url).status_code == httpx.codes.OK}
        except httpx.HTTPError:
            return {component: False}

    return probe


def airflow(base: str) -> Probe:
    """Airflow's API server tells about itself, the scheduler's and the DAG processor's heartbeats."""

    def probe(client: httpx.Client) -> dict[str, bool]:
        try:
            health = client.get(f"{base}/api/v2/monitor/health").json()
            return {name: health[part]["status"] == "healthy" for part, name in AIRFLOW_PARTS.items() if part in health}
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return {AIRFLOW_PARTS["metadatabase"]: False}

    return probe


def mlflow(base: str) -> Probe:
    """MLflow's own `/health` answers even when every other path is refused, so a real one is asked."""

    def probe(client: httpx.Client) -> dict[str, bool]:
        try:
            answer = client.get(f"{base}/api/2.0/mlflow/registered-models/search", params={"max_results": 1})
            return {"mlflow": answer.status_code == httpx.codes.OK}
        except httpx.HTTPError:
            return {"mlflow": False}

    return probe


def probes(environment: Environment) -> list[Probe]:
    return [
        ready("ingest", f"{environment.ingest_url}/readyz"),
        ready("serving", f"{environment.serving_url}/readyz"),
        ready("dashboards", f"{environment.dashboards_url}/readyz"),
        ready("prometheus", f"{environment.prometheus_url}/-/ready"),
        ready("alertmanager", f"{environment.alertmanager_url}/-/ready"),
        mlflow(environment.mlflow_url),
        airflow(environment.airflow_url),
    ]


def component_collector(environment: Environment) -> Collector:
    asked = probes(environment)
    pool = ThreadPoolExecutor(len(asked), thread_name_prefix="probe")
    client = httpx.Client(timeout=TIMEOUT, trust_env=False)

    def collect(look: Look) -> Iterator[Sample]:
        yield sample("ontime_component_up", 1.0, component="exporter")
        for found in pool.map(lambda probe: probe(client), asked):
            for component, up in found.items():
                yield sample("ontime_component_up", float(up), component=component)

    return Collector(
        "components",
        collect,
        {"ontime_component_up": "1 when the component says that it can work."},
        EVERY_SECONDS,
    )
