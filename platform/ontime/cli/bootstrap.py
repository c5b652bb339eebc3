"""`ontime bootstrap`: features, models and a past for a platform that holds only events."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from datetime import datetime
from typing import Annotated

import typer

from ontime.cli.output import OUT, reporting

app = typer.Typer(help="Make features, models and a past from the warehouse's events.", invoke_without_command=True)


@app.callback()
def bootstrap(
    trained_through: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The champion's last training day; default: as retraining would."),
    ] = None,
    history_days: Annotated[int, typer.Option(min=1, help="How far back the log of predictions goes.")] = 14,
    as_json: Annotated[bool, typer.Option("--json", help="Print the seconds that each step took, as JSON.")] = False,
) -> None:
    """Make features, models and a past from the warehouse's events. MLflow must be up, ingest and serving down.

    Example: ontime bootstrap --trained-through 2013-04-21
    """
    from ontime.bootstrap import bootstrap as run
    from ontime.settings import behaviour, environment

    with reporting() as reporter, redirect_stdout(sys.stderr):  # libraries print what nobody asked for
        through = trained_through.date() if trained_through else None
        seconds = run(environment(), behaviour(), reporter, through, history_days)
    if as_json:
        OUT.data(seconds)
    else:
        OUT.say(f"Bootstrapped in {sum(seconds.values()):.0f} s.", "green")
