"""The interviewer's reference page, made from the code: interview/guide/reference.md."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from prometheus_client.core import Metric

from brownout.proctor.metrics import InterviewMetrics
from brownout.settings import ROOT, Harness
from ontime.cli.reference import MADE, commands_of, table, variables

PAGE = ROOT / "interview" / "guide" / "reference.md"


def page(app: typer.Typer) -> str:
    """Settings, metrics and commands of the harness; the platform's are in docs/reference."""
    parts = [
        MADE,
        "# Reference\n",
        "Of the harness; [the platform's](../../docs/reference) stands beside it. Everything of a fault is in\n"
        "[the catalogue](../../docs/reference/faults.md).\n",
        "## Settings\n",
        "Only environment variables.\n",
        variables(Harness),
        "## Metrics\n",
        "At `BROWNOUT_METRICS_URL`/metrics behind a bearer token, and in the interviewer's own Prometheus.\n",
        table(("metric", "type", "labels", "meaning"), list(_metrics())),
        "## Commands\n",
        "`python -m brownout.cli`; most have a target of the same name, which `make help` lists.\n",
        *(section.replace("## ", "### ", 1) for section in commands_of(typer.main.get_command(app), "brownout")),
    ]
    return "\n".join(parts)


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    for family in sorted(InterviewMetrics(lambda: ()).collect(), key=lambda found: found.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield f"`{name}`", family.type, ", ".join(f"`{label}`" for label in _labels(family)), family.documentation


def _labels(family: Metric) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(family, "_labelnames", ())
    return names
