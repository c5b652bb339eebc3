"""Whether each component says that it can work, asked as the runtime asks it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime.runtime.components import COMPONENTS
from ontime.settings import Environment

EVERY_SECONDS = 10.0
OWN = "exporter"
"""Not asked: who answers a scrape is up, and it is not ready before its first look."""
SINCE_EVER = 0.0


def component_collector(environment: Environment) -> Collector:
    asked = [component for component in COMPONENTS.values() if component.name != OWN]
    pool = ThreadPoolExecutor(len(asked), thread_name_prefix="component")

    def collect(look: Look) -> Iterator[Sample]:
        del look
        yield sample("ontime_component_up", 1.0, component=OWN)
        answers = pool.map(lambda component: component.ready(environment, SINCE_EVER), asked)
        for component, answer in zip(asked, answers, strict=True):
            yield sample("ontime_component_up", float(answer.ready), component=component.name)

    return Collector(
        "components",
        collect,
        {"ontime_component_up": "1 when the component says that it can work."},
        EVERY_SECONDS,
    )
