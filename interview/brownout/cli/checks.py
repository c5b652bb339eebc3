"""`brownout preflight`, `rehearsal`, `soak`, `bench`: what is looked at outside interviews."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brownout.cli.shared import Json, say, telling
from ontime.cli.output import OUT


def preflight(as_json: Json = False) -> None:
    """One green line when this machine can run an interview, else one line a problem. Exit code 0 or 1.

    Example: brownout preflight
    """
    from dataclasses import asdict

    from brownout.preflight import look
    from brownout.settings import harness
    from ontime.settings import environment

    checks = look(harness(), environment())
    wrong = [check for check in checks if not check.ok]
    if as_json:
        OUT.data({"ok": not wrong, "checks": [{**asdict(check), "ok": check.ok} for check in checks]})
    elif wrong:
        for check in wrong:
            say(f"{check.name}: {check.found}. {check.remedy}", "red")
    else:
        told = {check.name: check.found for check in checks}
        say(
            f"This machine can run an interview: {told['processor']}, {told['memory']}; secrecy {told['secrecy']}.",
            "green",
        )
    raise typer.Exit(1 if wrong else 0)


def rehearsal(
    scenario: Annotated[str, typer.Argument(help="A scenario; see `brownout scenarios`.")],
    seed: Annotated[int | None, typer.Option(help="Default: the scenario's own.")] = None,
    meddle: Annotated[
        bool, typer.Option("--meddle", help="The candidate makes a healthy platform worse, and must be told so.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Play a scripted candidate through a scenario and check the scorecard. Exit code 0 when all agree.

    Examples: brownout rehearsal junior-01 · brownout rehearsal senior-02 --meddle
    """
    from brownout.rehearsal import rehearse
    from brownout.scenarios import get

    with telling() as tell:
        differences = rehearse(get(scenario).id, seed, tell, meddle)
    if as_json:
        OUT.data({"ok": not differences, "differences": differences})
    elif differences:
        OUT.complain(f"{scenario}: the scorecard differs from the script\n" + "\n".join(differences))
    else:
        say(f"{scenario}: the scorecard says what the script did.", "green")
    raise typer.Exit(6 if differences else 0)


def soak(
    start: Annotated[str, typer.Argument(help="A day of 2013, e.g. 2013-05-15.")],
    minutes: Annotated[float, typer.Option(min=0.5, help="How long to watch.")] = 15.0,
    as_json: Json = False,
) -> None:
    """Run the healthy stack from a day on and see that no page fires. Exit code 0 when quiet, else 7.

    Example: brownout soak 2013-05-15
    """
    from dataclasses import asdict

    from brownout.settings import harness
    from brownout.soak import watch
    from ontime.settings import environment

    with telling() as tell:
        found = watch(start, minutes, harness(), environment(), tell)
    if as_json:
        OUT.data({"quiet": not found.pages, **asdict(found)})
    else:
        said = f"fired: {', '.join(found.pages)}." if found.pages else "no page fired."
        p99 = ", ".join(f"{size} {seconds * 1000:.0f} ms" for size, seconds in sorted(found.p99_seconds.items()))
        say(f"{minutes:g} minutes from {start}: {said} p99 of requests: {p99}.", "red" if found.pages else "green")
    raise typer.Exit(7 if found.pages else 0)


def bench(
    scenario: Annotated[list[str] | None, typer.Argument(help="Scenarios to prepare; default: all.")] = None,
    minutes: Annotated[float, typer.Option(min=0, help="How long to sample memory.")] = 10.0,
    out: Annotated[Path | None, typer.Option(help="Write the JSON here too.")] = None,
    as_json: Json = False,
) -> None:
    """Measure up, reset, memory, deploy and preparations on a stack that it takes for itself.

    Example: brownout bench junior-01 --minutes 2
    """
    import json
    from dataclasses import asdict

    from rich.table import Table

    from brownout.bench import run
    from brownout.scenarios import get, load
    from brownout.settings import harness
    from ontime.settings import environment

    names = [get(name).id for name in scenario or (s.id for s in load().values() if s.runtime == "any")]
    with telling() as tell:
        rows = list(run(names, minutes, harness(), environment(), tell))
    told = [asdict(row) for row in rows]
    if out is not None:
        out.write_text(json.dumps(told, indent=1) + "\n")
    if as_json:
        OUT.data(told)
        return
    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("what", "measured", "goal"):
        view.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        view.add_row(row.what, f"{row.measured:.1f} {row.unit}", f"{row.goal} {row.unit}")
    OUT.people.print(view)


def add_to(app: typer.Typer) -> None:
    for command in (preflight, rehearsal, soak, bench):
        app.command()(command)
