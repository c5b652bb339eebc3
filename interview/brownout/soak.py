"""Runs the healthy stack from some day on, and collects every page that fires: there should be none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from brownout import interview as interviews
from brownout.baselines import BASELINES, SOAK
from brownout.errors import LifecycleError, StackError
from brownout.http import client
from brownout.settings import Harness
from brownout.stage import RealStage
from ontime.errors import ConfigError
from ontime.settings import Environment

P99 = "histogram_quantile(0.99, sum by (size, le) (increase(ontime_predict_duration_seconds_bucket[{seconds:.0f}s])))"
LOOK_SECONDS = 5.0
UNREACHABLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Soak:
    """`pages` that fired, each once; `p99_seconds` of requests by size over the whole time."""

    pages: tuple[str, ...]
    p99_seconds: dict[str, float]


def baseline_of(start: str) -> str:
    """The baseline that stands at that day. Raises `ConfigError` for what is no day."""
    try:
        day = date.fromisoformat(start)
    except ValueError as error:
        raise ConfigError.of("START", start, "a day such as 2013-05-15") from error
    return next((b.name for b in BASELINES.values() if b.present.date() == day), f"{SOAK}{day.isoformat()}")


def watch(
    start: str, minutes: float, harness: Harness, environment: Environment, tell: Callable[[str, str, str], None]
) -> Soak:
    """Restores, runs the world for `minutes` of wall time, and returns what fired and how long requests took.

    Raises `LifecycleError` when an interview is under way, `StackError` when Prometheus stops answering.
    """
    current = interviews.current(harness)
    if current is not None and current.facts().state in ("preparing", "ready", "running", "paused"):
        raise LifecycleError(f"Interview {current.id} is {current.facts().state}. Close it, or `brownout reset` first.")
    stage = RealStage(harness, environment, tell)
    name = baseline_of(start)
    tell("restore", "started", name)
    stage.restore(name)
    tell("restore", "done", name)
    stage.run_world(harness.speed)
    end, seen_at = time.monotonic() + minutes * 60, time.monotonic()
    fired: dict[str, None] = {}
    while time.monotonic() < end:
        pages = _pages(environment.prometheus_url)
        if pages is not None:
            seen_at = time.monotonic()
            fired.update(dict.fromkeys(pages))
        elif time.monotonic() - seen_at > UNREACHABLE_SECONDS:
            raise StackError(f"Prometheus at {environment.prometheus_url} has not answered for a minute.")
        left = max(end - time.monotonic(), 0.0)
        tell("soak", "doing", f"{left / 60:.1f} min left; {', '.join(fired) or 'no page so far'}")
        time.sleep(min(LOOK_SECONDS, left))
    tell("soak", "done", f"{minutes:g} min; {', '.join(fired) or 'no page'}")
    return Soak(tuple(fired), _p99(environment.prometheus_url, minutes * 60))


def _pages(url: str) -> list[str] | None:
    """Names of the pages that fire now; None when Prometheus gives no answer."""
    try:
        answer: dict[str, Any] = client().get(f"{url}/api/v1/alerts", timeout=5.0).json()
        alerts = answer["data"]["alerts"]
    except (httpx.HTTPError, ValueError, KeyError):
        return None
    return [
        a["labels"]["alertname"] for a in alerts if a["state"] == "firing" and a["labels"].get("severity") == "page"
    ]


def _p99(url: str, seconds: float) -> dict[str, float]:
    """Empty when Prometheus gives no answer."""
    query = {"query": P99.format(seconds=seconds)}
    try:
        answer: dict[str, Any] = client().get(f"{url}/api/v1/query", params=query, timeout=5.0).json()
        found = answer["data"]["result"]
    except (httpx.HTTPError, ValueError, KeyError):
        return {}
    return {series["metric"]["size"]: float(series["value"][1]) for series in found}
