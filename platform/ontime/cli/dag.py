"""`ontime dag`: runs DAGs by hand."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ontime.cli.output import OUT
from ontime.errors import ConfigError

app = typer.Typer(help="Run Airflow's DAGs by hand.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Run Airflow's DAGs by hand."""


@app.command()
def trigger(
    dag: Annotated[str, typer.Argument(help="A DAG, such as build_features.")],
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for a parameter of the DAG; may be given again.")
    ] = None,
    wait: Annotated[float | None, typer.Option(min=1, help="Wait this many seconds for the run to be over.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a run of a DAG. With --wait, exit code 1 when the run failed.

    Example: ontime dag trigger build_features --wait 120
    """
    from dataclasses import asdict

    from ontime.runtime.airflow_api import AirflowApi
    from ontime.settings import environment

    with AirflowApi(environment()) as airflow:
        run = airflow.trigger(dag, wait, parameters(param or []))
    if as_json:
        OUT.data(asdict(run))
    else:
        OUT.say(
            f"{run.dag}: {run.state} after {run.seconds:.1f} s ({run.run_id})", "red" if run.state == "failed" else ""
        )
    if run.state == "failed":
        raise typer.Exit(1)


def parameters(given: list[str]) -> dict[str, object]:
    """`NAME=VALUE` texts as a run's configuration: values are JSON where they can be. Raises `ConfigError`."""
    found: dict[str, object] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (name and sign):
            raise ConfigError.of("--param", text, "NAME=VALUE, such as recompute_days=3")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
