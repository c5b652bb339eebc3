"""`ontime up`, `down`, `stop`, `status`, `logs`, `restart`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ontime.cli.output import OUT, reporting
from ontime.cli.owner import become_owner, give_to_owner

if TYPE_CHECKING:
    from ontime.runtime.status import ComponentStatus, StackStatus

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def up(
    services: Annotated[list[str] | None, typer.Argument(help="Components; default: all.")] = None,
    tree: Annotated[
        Path | None,
        typer.Option(
            help="Git checkout whose HEAD is deployed first; default: the one this command runs from, if any."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Start the platform and wait until everything is ready.

    What already runs is left alone.

    Examples: ontime up · ontime up mlflow serving · ontime up --tree ~/platform
    """
    from ontime.runtime import deploy, release
    from ontime.runtime.chosen_runtime import runtime
    from ontime.runtime.components import chosen
    from ontime.settings import ROOT, environment

    here = environment()
    chosen(services or ())
    become_owner(here)
    if tree is not None and here.runtime == "kind":
        from ontime.runtime.kind.stack import refuse_from_outside

        refuse_from_outside("up --tree")
    source = tree or (ROOT if release.is_checkout(ROOT) and here.runtime == "local" else None)
    with reporting() as reporter:
        if source is not None:
            deploy.deploy(here, reporter, source)
        runtime(here).up(here, reporter, services or ())
    show_status(as_json, services)


def down() -> None:
    """Stop everything and leave no process behind. State stays.

    Example: ontime down
    """
    from ontime.runtime.chosen_runtime import runtime
    from ontime.settings import environment

    with reporting() as reporter:
        runtime(environment()).down(environment(), reporter)
    give_to_owner(environment())


def stop(services: Annotated[list[str], typer.Argument(help="Components.")]) -> None:
    """Stop components; the others go on.

    Example: ontime stop serving
    """
    from ontime.runtime.chosen_runtime import runtime
    from ontime.settings import environment

    become_owner(environment())
    runtime(environment()).stop(environment(), services)


def status(
    services: Annotated[list[str] | None, typer.Argument(help="Components; default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Tell how every component is. Exit code 0 when all are ready, else 1.

    Examples: ontime status · ontime status --json
    """
    raise typer.Exit(0 if show_status(as_json, services) else 1)


def logs(
    service: Annotated[str, typer.Argument(help="A component.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the log grows; end with Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 60,
) -> None:
    """Show a component's log.

    Examples: ontime logs serving · ontime logs ingest -f
    """
    from ontime.runtime.components import chosen
    from ontime.runtime.tail import follow_lines, last_lines
    from ontime.settings import environment

    if environment().runtime == "kind":
        from ontime.runtime.kind.stack import logs as of_pod

        raise typer.Exit(of_pod(environment(), service, lines, follow))
    path = chosen([service])[0].log(environment())
    for line in last_lines(path, lines):
        print(line)
    if follow:
        for line in follow_lines(path):
            print(line, flush=True)


def restart(
    services: Annotated[list[str] | None, typer.Argument(help="Components.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All components.")] = False,
) -> None:
    """Restart components and wait until they are ready.

    Examples: ontime restart serving · ontime restart --all
    """
    from ontime.errors import ConfigError
    from ontime.runtime.chosen_runtime import runtime
    from ontime.runtime.components import COMPONENTS
    from ontime.settings import environment

    if bool(services) == everything:
        raise ConfigError("Name the components to restart, or give --all.")
    become_owner(environment())
    with reporting() as reporter:
        runtime(environment()).restart(environment(), reporter, list(COMPONENTS) if everything else services or [])


def show_status(as_json: bool, services: list[str] | None = None) -> bool:
    """Prints the status; whether all that was asked for is ready."""
    from dataclasses import asdict

    from ontime.runtime.chosen_runtime import runtime
    from ontime.runtime.components import chosen
    from ontime.settings import environment

    names = [component.name for component in chosen(services)] if services else None
    found = runtime(environment()).look(environment(), names)
    if as_json:
        OUT.data({**asdict(found), "ready": found.ready, "memory_mib": round(found.memory_mib, 1)})
    else:
        _table(found)
    return found.ready


STYLES = {"ready": "green", "starting": "yellow", "restarting": "yellow", "stopped": "dim"}


def _table(found: StackStatus) -> None:
    from rich.table import Table

    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("component", "state", "since", "restarts", "memory", "address"):
        view.add_column(heading, justify="right" if heading in {"restarts", "memory"} else "left", no_wrap=True)
    for component in found.components:
        style = STYLES.get(component.state, "red")
        view.add_row(
            component.name,
            f"[{style}]{component.state}[/]",
            _since(component),
            str(component.restarts) if component.restarts else "",
            f"{component.memory_mib:.0f} MiB" if component.memory_mib is not None else "",
            component.url or "",
        )
    OUT.people.print(view)
    for component in found.components:
        if component.why:
            OUT.say(f"{component.name}: {component.why}. Log: ontime logs {component.name}", "yellow")
    OUT.say(f"release {found.release or 'none'} · {found.memory_mib:.0f} MiB in all", "dim")


def _since(component: ComponentStatus) -> str:
    if component.since is None:
        return ""
    seconds = int(time.time() - component.since)
    spent = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
    return f"{time.strftime('%H:%M:%S', time.gmtime(component.since))} UTC ({spent})"


def add_to(app: typer.Typer) -> None:
    for command in (up, down, stop, status, logs, restart):
        app.command()(command)
