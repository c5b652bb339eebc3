"""The environment that a component's process gets: what it needs and nothing of the invoker's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ontime.settings import Environment

KEPT = (
    *("PATH", "HOME", "LANG"),
    *("PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_S3_ENDPOINT_URL"),
    *("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "LD_LIBRARY_PATH"),
)
"""Besides `ONTIME_*`: what databases and object stores away from this machine ask for, and where Kubernetes is."""
SILENT: dict[str, str] = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_NO_ANALYTICS": "true",
}
"""No component phones home."""

COMPONENT = "ONTIME_COMPONENT"
"""Names the component in every process that belongs to it, children included."""


def python_path(root: Path) -> str:
    """How code is found below `root`: a release, the `current` link, or a checkout."""
    return f"{root / 'platform'}{os.pathsep}{root}"


def clean(source: Mapping[str, str], root: Path) -> dict[str, str]:
    """What of `source` may reach a component, with telemetry off, UTC, and code found below `root`.

    Programs of this interpreter's environment come first on PATH: Airflow starts children by name.
    """
    kept = {name: source[name] for name in KEPT if name in source}
    own = {name: value for name, value in source.items() if name.startswith("ONTIME_") and name != COMPONENT}
    programs = str(Path(sys.executable).parent)
    others = [part for part in kept.get("PATH", os.defpath).split(os.pathsep) if part and part != programs]
    return {
        "LANG": "C.UTF-8",
        "HOME": "/",
        **kept,
        **own,
        **SILENT,
        "PATH": os.pathsep.join([programs, *others]),
        "PYTHONPATH": python_path(root),
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        "MALLOC_ARENA_MAX": "2",
        # setproctitle would wipe the environment by which a component's processes are known.
        "SPT_NOENV": "1",
    }


def addresses(environment: Environment) -> dict[str, str]:
    """The `ONTIME_*` variables that say the same as `environment`, defaults spelled out."""
    told = environment.model_dump(mode="json")
    return {f"ONTIME_{name.upper()}": str(value) for name, value in told.items() if value is not None}
