"""`ontime past`: Prometheus's history."""

from __future__ import annotations

from typing import Annotated

import typer

from ontime.cli.output import OUT

app = typer.Typer(help="Look after Prometheus's history.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after Prometheus's history."""


@app.command()
def shift(
    seconds: Annotated[float, typer.Argument(help="Wall seconds to move it by; later is positive.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Move all that Prometheus recorded in time. Prometheus must be stopped.

    Example: ontime past shift 1800
    """
    from dataclasses import asdict

    from ontime.errors import RuntimeStateError
    from ontime.past import shift as move
    from ontime.runtime.status import look
    from ontime.settings import environment

    here = environment()
    if look(here, ["prometheus"]).components[0].pid is not None:
        raise RuntimeStateError("Prometheus runs. Stop it first with: ontime stop prometheus")
    past = move(here.state / "prometheus" / "data", seconds)
    if as_json:
        OUT.data(asdict(past))
    else:
        OUT.say(f"{past.samples} samples moved by {seconds:.0f} s in {past.seconds:.1f} s. {past.why}".strip())
