"""Ready means able to work, as the component itself says over HTTP; a living process proves nothing."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ontime.settings import Environment

TIMEOUT_SECONDS = 5.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Readiness:
    """`why` says what is missing; it is empty when ready."""

    ready: bool
    why: str = ""


READY = Readiness(True)

Check = Callable[[Environment, float], Readiness]
"""Asks one component; the second argument is the Unix second since which its process has been running."""


def fetch(url: str, timeout: float = TIMEOUT_SECONDS) -> tuple[int, bytes]:
    """Status and body of a GET; status 0 when nothing answered, the body then says why."""
    try:
        with _OPENER.open(url, timeout=timeout) as answer:
            return answer.status, answer.read(100_000)
    except urllib.error.HTTPError as error:
        return error.code, error.read(100_000)
    except urllib.error.URLError as error:
        return 0, str(error.reason).encode()
    except (OSError, ValueError) as error:
        return 0, str(error).encode()


def answers(url: str) -> Readiness:
    """Whether `url` answers 200."""
    code, body = fetch(url)
    if code == 200:
        return READY
    said = " ".join(body.decode(errors="replace").split())[:200]
    return Readiness(False, f"{url} gives no answer: {said}" if code == 0 else f"{url} answers {code}: {said}")


def http(base: Callable[[Environment], str], path: str) -> Check:
    """A check that wants 200 from `path`."""

    def check(environment: Environment, _: float) -> Readiness:
        return answers(base(environment).rstrip("/") + path)

    return check


def airflow_job(part: str) -> Check:
    """A check on what Airflow's API server says of `part` (`scheduler`, `dag_processor`).

    The heartbeat has to be younger than the process: Airflow calls a part healthy for half a minute after its death.
    """

    def check(environment: Environment, since: float) -> Readiness:
        code, body = fetch(environment.airflow_url.rstrip("/") + "/api/v2/monitor/health")
        if code != 200:
            return Readiness(False, "cannot be judged: airflow-api-server does not answer")
        try:
            told = json.loads(body)[part]
            beat = told[f"latest_{part}_heartbeat"]
            fresh = beat is not None and datetime.fromisoformat(beat).timestamp() >= since
        except (ValueError, KeyError, TypeError) as error:
            return Readiness(False, f"Airflow's health has no usable {part!r}: {error!r}")
        if told["status"] == "healthy" and fresh:
            return READY
        return Readiness(False, f"Airflow has not heard from its {part} since it started")

    return check
