"""The version that serving answers with, against the one that the champion alias points to."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime.errors import RegistryError
from ontime.registry import CHAMPION, RegistryReader
from ontime.settings import Environment

TIMEOUT = httpx.Timeout(2.0)


def served_version(look: Look) -> float:
    """The registered version behind the newest answer that a model gave; NaN when there is none."""
    versions = look.log.live["model_version"].to_pylist()
    return next((float(version) for version in reversed(versions) if version.isdigit()), float("nan"))


def version_collector(environment: Environment) -> Collector:
    reader = RegistryReader(environment.mlflow_url, timeout=TIMEOUT)

    def collect(look: Look) -> Iterator[Sample]:
        yield sample("ontime_served_version", served_version(look))
        try:
            champion = reader.aliases().get(CHAMPION)
        except RegistryError:
            return  # the registry is down: the components collector says so
        yield sample("ontime_champion_version", float("nan") if champion is None else champion)

    return Collector(
        "versions",
        collect,
        {
            "ontime_served_version": "Version behind the newest answer that a model gave.",
            "ontime_champion_version": "Version that the champion alias points to.",
        },
    )
