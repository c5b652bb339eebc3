"""The configuration of Prometheus for one environment: what is scraped from where, and which rules are evaluated."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import yaml

from ontime.settings import Environment

SCRAPE_INTERVAL = "5s"


TOOLS = (
    "process_.+|prometheus_(rule_evaluation_failures_total|tsdb_head_series|notifications_dropped_total)"
    "|alertmanager_(alerts|notifications_.+)"
)
"""What is kept of what Prometheus and Alertmanager say about themselves: hundreds of series otherwise."""


def _target(job: str, url: str, keep: str | None = None) -> dict[str, object]:
    parts = urlsplit(url)
    target: dict[str, object] = {
        "job_name": job,
        "static_configs": [{"targets": [f"{parts.hostname}:{parts.port or 80}"]}],
    }
    if parts.path.strip("/"):
        target["metrics_path"] = f"{parts.path.rstrip('/')}/metrics"
    if keep is not None:
        target["metric_relabel_configs"] = [{"source_labels": ["__name__"], "regex": keep, "action": "keep"}]
    return target


def _serving(environment: Environment) -> dict[str, object]:
    """Every process of serving is a target of its own: counters of several behind one address would go backwards."""
    target = _target("serving", environment.serving_url)
    if environment.serving_pods:
        port = urlsplit(environment.serving_url).port or 80
        target["dns_sd_configs"] = [{"names": [environment.serving_pods], "type": "A", "port": port}]
        del target["static_configs"]
    return target


def render(environment: Environment, rules: Path | None = None) -> str:
    """`prometheus.yml` as text; `rules` is the directory of rule files (default: the current release's)."""
    directory = rules or environment.current / "monitoring" / "prometheus" / "rules"
    configuration = {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": "4s",
            "evaluation_interval": SCRAPE_INTERVAL,
            # Alerts link to their runbooks there; see `runbook_url` in the rules.
            "external_labels": {"dashboards": environment.dashboards_url},
        },
        "rule_files": [str(directory / "*.yml")],
        "alerting": {
            "alert_relabel_configs": [{"action": "labeldrop", "regex": "dashboards"}],
            "alertmanagers": [{"static_configs": [{"targets": [urlsplit(environment.alertmanager_url).netloc]}]}],
        },
        "scrape_configs": [
            _target("ingest", environment.ingest_url),
            _serving(environment),
            _target("exporter", environment.exporter_url),
            _target("dashboards", environment.dashboards_url),
            _target("prometheus", environment.prometheus_url, TOOLS),
            _target("alertmanager", environment.alertmanager_url, TOOLS),
        ],
    }
    text: str = yaml.safe_dump(configuration, sort_keys=False)
    return text
