"""The candidate's way in: one port and one code that carry an editor, a shell and every page of the platform.

JupyterLab runs in the workspace as the candidate's user; jupyter-server-proxy puts the platform's pages below it.
It is there from the start of the interview to its close: the code is worth nothing before and after.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from brownout.settings import Harness
from ontime.settings import Environment

LOG = '''
def told(handler):
    """One line a request for a page: method and path."""
    path = handler.request.path
    if path.startswith({prefixes!r}):
        print("asked", handler.request.method, path, flush=True)


c.ServerApp.tornado_settings = {{"log_function": told}}
'''


@dataclass(frozen=True, slots=True)
class Page:
    """One page below the port. `keeps_prefix`: the server behind it already lives below `/<name>/`."""

    name: str
    title: str
    url: str
    keeps_prefix: bool = False


def pages(environment: Environment, harness: Harness) -> tuple[Page, ...]:
    return (
        Page("dashboards", "Dashboards", environment.dashboards_url),
        Page("mlflow", "MLflow", environment.mlflow_url),
        Page("airflow", "Airflow", environment.airflow_url, keeps_prefix=True),
        Page("prometheus", "Prometheus", environment.prometheus_url),
        Page("alertmanager", "Alertmanager", environment.alertmanager_url),
        Page("serving", "Serving", environment.serving_url),
        Page("desk", "On-call desk", harness.proctor_url),
    )


def configuration(workspace: Path, code: str, environment: Environment, harness: Harness) -> str:
    """The text of a `jupyter_server_config.py`. It holds the code: write it for the candidate's eyes only."""
    address = urlsplit(harness.way_in_url)
    servers: dict[str, dict[str, object]] = {
        page.name: {
            "command": [],
            "port": urlsplit(page.url).port,
            "absolute_url": page.keeps_prefix,
            "new_browser_tab": True,
            "launcher_entry": {"title": page.title, "enabled": True},
        }
        for page in pages(environment, harness)
    }
    settings: dict[str, object] = {
        "ServerApp.ip": harness.host,
        "ServerApp.port": address.port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": str(workspace),
        "ServerApp.allow_remote_access": True,
        "ServerApp.terminado_settings": {"shell_command": ["/bin/bash"]},
        "IdentityProvider.token": code,
        "LabApp.collaborative": False,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "ServerProxy.servers": servers,
    }
    lines = [f"c.{key} = json.loads({json.dumps(json.dumps(value))})" for key, value in settings.items()]
    log = LOG.format(prefixes=tuple(f"/{page.name}/" for page in pages(environment, harness)))
    return "import json\n\nc = get_config()\n" + "\n".join(lines) + "\n\n" + log


def command(config: Path) -> list[str]:
    """Starts JupyterLab with that configuration and without a root check: it runs as whoever starts it."""
    return [sys.executable, "-m", "jupyter", "lab", "--allow-root", f"--config={config}", "--no-browser"]
