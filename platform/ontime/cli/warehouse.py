"""`ontime warehouse`: looking after the stored tables."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Look after the warehouse's tables.", no_args_is_help=True)


@app.command()
def rebuild(
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First UTC day (world time) of the landing to replay; default: all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Replay the landing through the contract as it is now, and make the stored rows agree.

    Use it after the contract was repaired: rows that were stored under the old one are written anew.

    Example: ontime warehouse rebuild --since 2013-05-06
    """
    from dataclasses import asdict

    from ontime.ingest.landing import Landing
    from ontime.ingest.rebuild import rebuild as replay
    from ontime.settings import environment
    from ontime.warehouse import Warehouse

    day: date | None = since.date() if since else None
    result = replay(Landing(environment().landing), Warehouse(environment().warehouse), day)
    if as_json:
        print(json.dumps(asdict(result)))
        return
    console = Console()
    console.print(f"{result.replayed} events replayed, {result.refused} still refused by the contract.")
    for name, rows in sorted(result.changed.items()):
        console.print(f"  {name}: {rows} rows written")


@app.command()
def tables(as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> None:
    """List the tables with their writers, files and rows.

    Example: ontime warehouse tables
    """
    import pyarrow.parquet as pq
    from rich.table import Table

    from ontime.settings import environment
    from ontime.warehouse import TABLES, Warehouse

    warehouse = Warehouse(environment().warehouse)
    found = []
    for name, spec in TABLES.items():
        files = warehouse.files(name)
        rows = sum(pq.read_metadata(path).num_rows for path in files)
        newest = files[-1].stem if files else None
        found.append({"table": name, "writer": spec.writer, "files": len(files), "rows": rows, "newest": newest})
    if as_json:
        print(json.dumps(found))
        return
    view = Table("table", "writer", "files", "rows", "newest")
    for entry in found:
        view.add_row(*(str(value if value is not None else "-") for value in entry.values()))
    Console().print(view)
