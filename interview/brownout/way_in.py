"""The candidate's way in: one port and one code that carry an editor, a shell and every page of the platform.

JupyterLab runs in the workspace as the candidate's user; jupyter-server-proxy puts the platform's pages below it.
It is there from the start of the interview to its close: the code is worth nothing before and after.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from brownout.kind.places import WAY_IN
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


FIRST_PAGE = "/oncall/portal/"
SILENCED = ("@jupyterlab/apputils-extension:announcements", "jupyterlab-plotly")


@dataclass(frozen=True, slots=True)
class Page:
    """One page below the port. `keeps_prefix`: the server behind it already lives below `/<name>/`.

    `headers` replace the browser's: what the server behind insists on, and the code that opens the portal.
    """

    name: str
    title: str
    url: str
    keeps_prefix: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    in_launcher: bool = True


def pages(environment: Environment, harness: Harness, code: str) -> tuple[Page, ...]:
    prometheus, mlflow = urlsplit(environment.prometheus_url), urlsplit(environment.mlflow_url)
    return (
        Page("oncall", "On call", harness.proctor_url, headers={"Authorization": f"Bearer {code}"}),
        Page("dashboards", "Dashboards", environment.dashboards_url),
        # MLflow refuses hosts and origins that it was not told of.
        Page(
            "mlflow",
            "MLflow",
            environment.mlflow_url,
            headers={"Host": mlflow.netloc, "Origin": f"{mlflow.scheme}://{mlflow.netloc}"},
        ),
        Page("airflow", "Airflow", environment.airflow_url, keeps_prefix=True),
        Page(
            "prometheus",
            "Prometheus",
            environment.prometheus_url,
            keeps_prefix=prometheus.path.strip("/") == "prometheus",
        ),
        # Debian's package brings no page, only the interface; what fires stands on the dashboards.
        Page("alertmanager", "Alertmanager", environment.alertmanager_url, in_launcher=False),
        Page("serving", "Serving", environment.serving_url),
    )


def port(environment: Environment, harness: Harness) -> int:
    """Where JupyterLab listens: in a pod where its service expects it, whichever port of this machine leads there."""
    return WAY_IN if environment.runtime == "kind" else urlsplit(harness.way_in_url).port or WAY_IN


def configuration(workspace: Path, code: str, environment: Environment, harness: Harness) -> str:
    """The text of a `jupyter_server_config.py`. It holds the code: write it for the candidate's eyes only."""
    servers: dict[str, dict[str, object]] = {
        page.name: {
            "command": [],
            "port": urlsplit(page.url).port,
            "absolute_url": page.keeps_prefix,
            "new_browser_tab": True,
            "request_headers_override": page.headers,
            "launcher_entry": {"title": page.title, "enabled": page.in_launcher},
        }
        for page in pages(environment, harness, code)
    }
    settings: dict[str, object] = {
        "ServerApp.ip": harness.host,
        "ServerApp.port": port(environment, harness),
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": str(workspace),
        "LabApp.default_url": FIRST_PAGE,
        "ServerApp.allow_remote_access": True,
        "ServerApp.terminado_settings": {"shell_command": ["/bin/bash"]},
        "IdentityProvider.token": code,
        "IdentityProvider.cookie_options": {"samesite": "Lax"},
        "LabApp.collaborative": False,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "ServerProxy.servers": servers,
    }
    lines = [f"c.{key} = json.loads({json.dumps(json.dumps(value))})" for key, value in settings.items()]
    log = LOG.format(prefixes=tuple(f"/{page.name}/" for page in pages(environment, harness, code)))
    return "import json\n\nc = get_config()\n" + "\n".join(lines) + "\n\n" + log


def page_configuration() -> str:
    """The text of JupyterLab's `page_config.json`: no news from elsewhere, and no extension that this set-up breaks."""
    return json.dumps({"disabledExtensions": dict.fromkeys(SILENCED, True)}, indent=1) + "\n"


def command(config: Path) -> list[str]:
    """Starts JupyterLab with that configuration and without a root check: it runs as whoever starts it."""
    return [sys.executable, "-m", "jupyter", "lab", "--allow-root", f"--config={config}", "--no-browser"]
