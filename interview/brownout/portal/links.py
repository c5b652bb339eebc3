"""Where the platform's pages are, as the reader can reach them: through the one port, or directly."""

from __future__ import annotations

from urllib.parse import urljoin

from pydantic import BaseModel, ConfigDict

from brownout.settings import Harness
from ontime.settings import Environment

OWN_NAME = "oncall"
"""The portal's own name below the one port."""


class Link(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    use: str
    url: str


_PAGES = (
    ("dashboards", "dashboards/", "Dashboards", "Every panel, with thresholds, alerts and runbooks"),
    ("prometheus", "prometheus/graph", "Prometheus", "Ask your own questions of the metrics"),
    ("mlflow", "mlflow/#/models/ontime-delay", "MLflow", "Runs, registered versions, who is champion"),
    ("airflow", "airflow/", "Airflow", "DAGs, their runs and logs"),
    ("reports", "dashboards/reports/", "Evidently reports", "Drift reports of the last windows"),
    ("serving", "serving/", "Serving's API", "Try a prediction; the schema of requests and answers"),
    ("lab", "lab", "JupyterLab", "Editor, terminal and notebooks in your workspace"),
)


def below(prefix: str) -> list[Link]:
    """The pages as siblings of the portal below the one port; `prefix` is the portal's own path there."""
    root = prefix.rstrip("/").removesuffix(f"/{OWN_NAME}") + "/"
    return [Link(name=n, title=t, use=u, url=urljoin(root, path)) for n, path, t, u in _PAGES]


def direct(environment: Environment, harness: Harness) -> list[Link]:
    """The pages at their own addresses, for somebody who sits at the stack's machine."""
    bases = {
        "dashboards": environment.dashboards_url,
        "prometheus": environment.prometheus_url,
        "mlflow": environment.mlflow_url,
        "airflow": environment.airflow_url,
        "serving": environment.serving_url,
    }

    def address(path: str) -> str:
        first, _, rest = path.partition("/")
        if first not in bases:
            return f"{harness.way_in_url.rstrip('/')}/{path}"
        keeps = f"{first}/" if first == "airflow" else ""
        return f"{bases[first].rstrip('/')}/{keeps}{rest}"

    return [Link(name=n, title=t, use=u, url=address(path)) for n, path, t, u in _PAGES]
