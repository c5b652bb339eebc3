"""`ontime config`, `preflight`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ontime.cli.output import OUT

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def config(
    tree: Annotated[
        Path | None, typer.Option(help="A checkout or release; default: what this command runs from.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show every setting in effect and where it comes from.

    Example: ontime config --json
    """
    from ontime.runtime.effective import effective
    from ontime.settings import ROOT

    found = effective(tree or ROOT)
    if as_json:
        OUT.data([{"key": s.key, "value": s.value, "source": s.source} for s in found])
        return
    from rich.table import Table

    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("setting", "value", "from"):
        view.add_column(heading, overflow="fold")
    for setting in found:
        view.add_row(setting.key, str(setting.value), setting.source)
    OUT.people.print(view)


def preflight(as_json: Json = False) -> None:
    """Say whether this machine can run the platform. Exit code 0 when it can, else 1.

    Example: ontime preflight
    """
    from dataclasses import asdict

    from ontime.runtime.machine import findings
    from ontime.settings import environment

    found = findings(environment())
    usable = all(finding.good or not finding.needed for finding in found)
    if as_json:
        OUT.data({"usable": usable, "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            if not finding.good:
                OUT.say(
                    f"{'✗' if finding.needed else '!'} {finding.what}: {finding.told}",
                    "red" if finding.needed else "yellow",
                )
        if usable:
            OUT.say("✓ This machine can run the platform: " + ", ".join(f.told for f in found if f.good), "green")
    raise typer.Exit(0 if usable else 1)


def add_to(app: typer.Typer) -> None:
    for command in (config, preflight):
        app.command()(command)
