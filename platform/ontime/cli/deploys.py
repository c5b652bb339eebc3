"""`ontime deploy`, `undo`, `releases`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ontime.cli.output import OUT, reporting
from ontime.cli.owner import become_owner, give_to_owner

if TYPE_CHECKING:
    from ontime.runtime.deploy import Outcome

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def deploy(
    tree: Annotated[Path, typer.Argument(help="A git checkout of the platform.")] = Path("."),
    as_json: Json = False,
) -> None:
    """Run the platform from a checkout's last commit.

    The release is checked first, then only the components whose code changed are restarted. When one of them does not
    get ready again, the release is taken back.

    Example: ontime deploy ~/platform
    """
    from ontime.runtime.deploy import deploy as make
    from ontime.settings import environment

    _where_the_state_is("deploy")
    began = time.monotonic()
    with reporting() as reporter:
        outcome = make(environment(), reporter, tree)
    give_to_owner(environment())
    _tell(outcome, as_json, time.monotonic() - began)


def undo(as_json: Json = False) -> None:
    """Go back to the last healthy deploy before the current one.

    Example: ontime undo
    """
    from ontime.runtime.deploy import undo as go_back
    from ontime.settings import environment

    _where_the_state_is("undo")
    began = time.monotonic()
    become_owner(environment())
    with reporting() as reporter:
        outcome = go_back(environment(), reporter)
    _tell(outcome, as_json, time.monotonic() - began)


def releases(
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last changes.")] = 20,
    as_json: Json = False,
) -> None:
    """List the changes of the current release, oldest first.

    Example: ontime releases --json
    """
    from dataclasses import asdict

    from ontime.runtime.release import current, entries
    from ontime.settings import environment

    here = environment()
    found = entries(here)[-lines:]
    now = current(here)
    if as_json:
        OUT.data({"current": now.name if now else None, "changes": [asdict(entry) for entry in found]})
        return
    from rich.table import Table

    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("world time", "wall time", "what", "release", "subject", "restarted", "healthy"):
        view.add_column(heading)
    for entry in found:
        view.add_row(
            _moment(entry.world),
            _moment(entry.wall),
            entry.action,
            f"{entry.release}{' *' if now and entry.release == now.name else ''}",
            entry.subject,
            ", ".join(entry.restarted),
            "yes" if entry.healthy else entry.note or "no",
        )
    OUT.people.print(view)


def _where_the_state_is(what: str) -> None:
    """Raises `ConfigError` outside of the cluster that holds the state."""
    from ontime.settings import environment

    if environment().runtime == "kind":
        from ontime.runtime.kind.stack import refuse_from_outside

        refuse_from_outside(what)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _tell(outcome: Outcome, as_json: bool, seconds: float) -> None:
    from dataclasses import asdict

    if as_json:
        OUT.data({**asdict(outcome), "seconds": round(seconds, 1)})
    elif outcome.entry is None:
        OUT.say(f"{outcome.release} ({outcome.subject}) is current already.")
    else:
        restarted = ", ".join(outcome.entry.restarted) or "nothing"
        what = f"{outcome.release} ({outcome.subject}) is current after {seconds:.1f} s"
        OUT.say(f"{what}; restarted: {restarted}.", "green")


def add_to(app: typer.Typer) -> None:
    for command in (deploy, undo, releases):
        app.command()(command)
