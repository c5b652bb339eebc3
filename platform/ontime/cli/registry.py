"""`ontime registry`: what is registered, what serves, and what may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ontime.gates import GateResult
    from ontime.registry import ModelVersion, RegistryReader

app = typer.Typer(help="Look at model versions, check them against the gates, move the champion.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Version = Annotated[int, typer.Argument(help="Number of a registered version.", min=1)]


@contextmanager
def _reader() -> Iterator[RegistryReader]:
    from ontime.registry import RegistryReader
    from ontime.settings import environment

    with RegistryReader(environment().mlflow_url) as reader:
        yield reader


def _as_dict(version: ModelVersion) -> dict[str, Any]:
    tags = dict(version.tags)
    gates = tags.pop("gates", None)
    return {
        "version": version.version,
        "aliases": list(version.aliases),
        "created_at": version.created_at.isoformat(timespec="seconds"),
        "run_id": version.run_id,
        **tags,
        "gates": json.loads(gates) if gates else None,
    }


@app.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """All versions, newest first.

    Example: ontime registry list
    """
    with _reader() as reader:
        versions = reader.versions()
    if as_json:
        print(json.dumps([_as_dict(version) for version in versions]))
        return
    table = Table("version", "aliases", "trained from", "through", "flights", "registered (wall)")
    for version in versions:
        tags = version.tags
        table.add_row(
            str(version.version),
            ", ".join(version.aliases),
            *(tags.get(key, "?") for key in ("trained_from", "trained_through", "rows")),
            version.created_at.isoformat(sep=" ", timespec="seconds"),
        )
    Console().print(table)


@app.command()
def show(version: Version, as_json: AsJson = False) -> None:
    """One version: its tags, aliases and the verdicts of its last promotion attempt.

    Example: ontime registry show 3
    """
    with _reader() as reader:
        body = _as_dict(reader.version(version))
    if as_json:
        print(json.dumps(body))
        return
    console = Console()
    for key, value in body.items():
        if key != "gates":
            console.print(f"[bold]{key}[/bold]  {', '.join(value) if isinstance(value, list) else value}")
    for verdict in body["gates"] or []:
        console.print(f"  {'pass  ' if verdict['passed'] else 'refuse'} {verdict['gate']}: {verdict['detail']}")


@app.command()
def check(
    version: Version,
    gate: Annotated[list[str] | None, typer.Option(help="Only this gate; may be given several times.")] = None,
    as_json: AsJson = False,
) -> None:
    """Would the version pass the gates now? Measures everything again, changes nothing; exit code 3 when not.

    Examples: ontime registry check 3 · ontime registry check 3 --gate latency
    """
    from ontime.clock import Clock
    from ontime.gates import GATES, check_version
    from ontime.settings import behaviour, environment
    from ontime.warehouse import Warehouse

    with _reader() as reader, _working(f"checking version {version}", as_json):
        results = check_version(
            version,
            reader=reader,
            warehouse=Warehouse(environment().warehouse),
            behaviour=behaviour(),
            present=Clock(environment().clock).now(),
            only=gate or GATES,
        )
    _print_results(version, results, as_json)
    if not all(result.passed for result in results):
        raise typer.Exit(3)


@app.command()
def promote(version: Version, as_json: AsJson = False) -> None:
    """Make the version champion, if it passes every gate; exit code 3 when a gate refuses.

    Example: ontime registry promote 3
    """
    from ontime.clock import Clock
    from ontime.registry.promotion import promote as through_gates
    from ontime.settings import behaviour, environment
    from ontime.warehouse import Warehouse

    with _working(f"promoting version {version}", as_json):
        results = through_gates(
            version,
            url=environment().mlflow_url,
            warehouse=Warehouse(environment().warehouse),
            behaviour=behaviour(),
            present=Clock(environment().clock).now(),
        )
    _print_results(version, results, as_json)


@app.command()
def rollback(as_json: AsJson = False) -> None:
    """Make the previous champion the champion again.

    Example: ontime registry rollback
    """
    from ontime.registry.promotion import rollback as back
    from ontime.settings import environment

    version = back(environment().mlflow_url)
    print(json.dumps({"champion": version}) if as_json else f"Version {version} is champion.")


@contextmanager
def _working(what: str, quiet: bool) -> Iterator[None]:
    if quiet:
        yield
        return
    with Console(stderr=True).status(what):
        yield


def _print_results(version: int, results: list[GateResult], as_json: bool) -> None:
    passed = all(result.passed for result in results)
    if as_json:
        from ontime.gates import to_json

        print(json.dumps({"version": version, "passed": passed, "gates": json.loads(to_json(results))}))
        return
    table = Table("gate", "verdict", "measured", "limit", "unit", "detail", title=f"Version {version}")
    for result in results:
        verdict = "[green]pass[/green]" if result.passed else "[red]refuse[/red]"
        row = (f"{result.measured:.4g}", f"{result.limit:.4g}", result.unit, result.detail)
        table.add_row(result.gate, verdict, *row)
    Console().print(table)
