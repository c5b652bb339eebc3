"""Where a platform's desk is, and how a person at this machine reaches the two.

kind leads this machine's ports to the first namespace alone. What stands beside it is reached by `kubectl
port-forward`, at ports of its own: with the ports of the first they would lead into somebody else's interview.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from brownout.settings import Harness
from ontime.runtime.kind.manifests import DEFAULT_NAMESPACE
from ontime.settings import Environment

FURTHER = {
    "BROWNOUT_CONSOLE_URL": "http://console.localhost:7306",
    "BROWNOUT_WAY_IN_URL": "http://127.0.0.1:7304",
}
"""Of a desk that is not the first one, where nothing else was asked for."""
WAY_IN = 7204
"""Where a workstation listens."""
PROMETHEUS = 7303


def first(here: Environment) -> bool:
    """Whether this machine's ports lead here."""
    return here.namespace == DEFAULT_NAMESPACE


def desk_of(here: Environment) -> str:
    """The harness's namespace beside a platform's."""
    return "brownout" if first(here) else f"{here.namespace}-desk"


def pages(ours: Harness) -> list[tuple[str, str]]:
    """Name and address of what a person needs of a further namespace, once `leads` are there."""
    return [
        ("console (yours)", ours.console_url),
        ("Prometheus (yours)", f"http://127.0.0.1:{PROMETHEUS}"),
        ("the candidate's way in", ours.way_in_url),
    ]


def leads(here: Environment, ours: Harness) -> list[str]:
    """The commands that lead ports of this machine to a further namespace; none for the first, which has them."""
    if first(here):
        return []
    console, way_in, prometheus = (
        urlsplit(url).port for url in (ours.console_url, ours.way_in_url, ours.prometheus_url)
    )
    return [
        f"kubectl -n {desk_of(here)} port-forward deployment/proctor {PROMETHEUS}:{prometheus} {console}",
        f"kubectl -n {here.namespace} port-forward service/workstation {way_in}:{WAY_IN}",
    ]
