"""Airflow's configuration, wholly by environment variables: three components on one database, sharing one secret."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ontime.runtime.address import port_of
from ontime.settings import Environment

HEAVY_POOL = "heavy"
HEAVY_SLOTS = 1


def home(environment: Environment) -> Path:
    return environment.state / "airflow"


def secret(environment: Environment) -> str:
    """The secret that signs tokens between Airflow's components; made once, readable by this user alone."""
    path = home(environment) / "jwt_secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(handle, "w") as file:
        made = secrets.token_urlsafe(48)
        file.write(made)
    return made


def variables(environment: Environment) -> dict[str, str]:
    """Airflow's `AIRFLOW__SECTION__KEY` variables.

    A DAG file with a newer modification time is parsed at once, whatever `min_file_process_interval` says: what has to
    be short is only how often the folder is looked at. LocalExecutor forks `parallelism` workers when it starts.
    """
    place = home(environment)
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": environment.current / "dags",
            "load_examples": False,
            "executor": environment.airflow_executor,
            "parallelism": environment.airflow_parallelism,
            "max_active_runs_per_dag": 1,
            "dags_are_paused_at_creation": False,
            "simple_auth_manager_all_admins": True,
            "simple_auth_manager_passwords_file": place / "passwords.json",
            "execution_api_server_url": f"{environment.airflow_pages}/execution/",
        },
        "database": {
            "sql_alchemy_conn": environment.airflow_database or f"sqlite:///{place / 'airflow.db'}",
            "load_default_connections": False,
            "check_migrations": False,  # the tables were prepared before any component starts
            **({"sql_alchemy_conn_async": environment.airflow_database} if environment.airflow_database else {}),
        },
        "api": {
            "base_url": environment.airflow_pages,
            "host": environment.host,
            "port": port_of(environment.airflow_url),
            "workers": 1,
        },
        "api_auth": {"jwt_secret": secret(environment)},
        "dag_processor": {
            "refresh_interval": 1,
            "bundle_refresh_check_interval": 1,
            "min_file_process_interval": 30,
            "parsing_processes": 1,
            "print_stats_interval": 600,
            "dag_bundle_storage_path": place / "bundles",
        },
        "scheduler": {
            "scheduler_idle_sleep_time": 1,
            # Kubernetes asks there; on one machine the API server tells.
            "enable_health_check": environment.runtime == "kind",
        },
        "logging": {"base_log_folder": place / "logs"},
    }
    if environment.airflow_executor == "KubernetesExecutor":
        sections["kubernetes_executor"] = {
            "namespace": environment.namespace,
            "pod_template_file": environment.pod_template or "",
            "delete_worker_pods": True,
            "worker_pods_creation_batch_size": 8,
        }
    told = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": str(value)
        for section, keys in sections.items()
        for key, value in keys.items()
    }
    return {"AIRFLOW_HOME": str(place), **told}
