"""The collectors, one concept a module. Adding one: write its module, add it to the list."""

from __future__ import annotations

from monitoring.exporter.collectors.components import component_collector
from monitoring.exporter.collectors.cost import cost_collector
from monitoring.exporter.collectors.parity import parity_collector
from monitoring.exporter.collectors.predictions import AGES, FEATURE_VALUES, SCORES
from monitoring.exporter.collectors.quality import QUALITY
from monitoring.exporter.collectors.report import REPORT
from monitoring.exporter.collectors.versions import version_collector
from monitoring.exporter.collectors.world import WORLD
from monitoring.exporter.look import Collector
from ontime.settings import Environment


def collectors(environment: Environment) -> list[Collector]:
    """All of them, in the order in which a look runs them."""
    return [
        WORLD,
        SCORES,
        AGES,
        FEATURE_VALUES,
        QUALITY,
        REPORT,
        version_collector(environment),
        component_collector(environment),
        cost_collector(environment),
        parity_collector(environment),
    ]


__all__ = ["collectors"]
