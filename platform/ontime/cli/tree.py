"""`ontime docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ontime.cli.output import OUT


def docs(
    tree: Annotated[Path | None, typer.Option(help="The checkout; default: what this command runs from.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say which pages are stale; exit code 1 if any is.")
    ] = False,
) -> None:
    """Write the reference pages (settings, metrics, alerts, command line) from the code.

    Examples: ontime docs · ontime docs --check
    """
    from ontime.cli.reference import pages, stale, write
    from ontime.settings import ROOT

    root = tree or ROOT
    made = pages(root)
    old = stale(root, made)
    if check:
        for name in old:
            OUT.complain(f"docs/reference/{name} does not say what the code says. Run: make docs")
        raise typer.Exit(1 if old else 0)
    write(root, made)
    OUT.say(f"{len(made)} pages, {len(old)} of them new: {', '.join(old) or 'none'}")


def add_to(app: typer.Typer) -> None:
    app.command()(docs)
