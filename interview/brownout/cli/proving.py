"""`brownout prove`, `quiet`, `docs`: what makes the catalogue one that can be trusted."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from brownout.cli.shared import Json, say, telling
from ontime.cli.output import OUT


def prove(
    fault: Annotated[list[str] | None, typer.Argument(help="Faults by id; default: every one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws target and magnitude; default: the scenario's own.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many solutions and wrong fixes; default: PROVE_LIMIT, else all.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prove again what was proved already.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Write interview/proved.json and its page.")] = False,
    as_json: Json = False,
) -> None:
    """Prove faults both ways on the running stack, which it takes for itself. Exit code 8 when one is dishonest.

    Interrupted, it goes on where it was.

    Examples: brownout prove stale_fresh_path --limit 1 · brownout prove --record
    """
    from brownout.faults import discover, get
    from brownout.proof import published, table
    from brownout.proof.prove import Proved, ids, stepwise
    from brownout.proof.prove import prove as run
    from brownout.reference import ours, write

    names = [get(name).id for name in ids(fault or [], list(discover()))]
    most = limit if limit is not None else _limit_of_the_environment()
    done: list[Proved] = []
    for number, name in enumerate(names, 1):
        if not as_json:
            say(f"{name}, {number} of {len(names)}", "bold")
        with telling() as tell:
            proved = run(name, stepwise(tell), seed=seed, limit=most, fresh=fresh)
        done.append(proved)
        if not as_json:
            OUT.people.print(table.steps(proved))
        if record and proved.honest and not proved.short and ours(name):
            published.write({**published.read(), name: published.record(proved)})
    if as_json:
        OUT.data([table.as_json(proved) for proved in done])
    else:
        OUT.people.print(table.minutes([row for proved in done for row in proved.rows]))
        for proved in done:
            for row in proved.rows:
                if row.outcome == "dishonest":
                    say(f"{proved.setting.fault.id}, {row.step}: {row.why}", "red")
    if record:
        write()
    raise typer.Exit(0 if all(proved.honest for proved in done) else 8)


def _limit_of_the_environment() -> int | None:
    text = os.environ.get("PROVE_LIMIT", "")
    return int(text) if text.isdigit() and int(text) > 0 else None


def quiet(
    count: Annotated[int, typer.Option("--windows", min=1, max=60, help="Healthy windows.")] = 20,
    offline: Annotated[bool, typer.Option("--offline", help="Only windows made from the canonical events.")] = False,
    as_json: Json = False,
) -> None:
    """Look at every symptom probe in healthy windows, on the running stack. Exit code 7 when one is red.

    Examples: brownout quiet --windows 6 · brownout quiet --offline
    """
    from brownout.faults import discover
    from brownout.quiet import live, of_baseline
    from brownout.settings import harness
    from ontime.settings import environment

    probes = {name: fault.plan(fault.draw(0)).symptom for name, fault in sorted(discover().items())}
    with telling() as tell:
        if offline:
            verdicts = of_baseline.look(probes, count, harness(), environment(), tell)
        else:
            verdicts = live.watch(probes, harness(), environment(), tell, count)
    red = [verdict for verdict in verdicts if verdict.red]
    if as_json:
        OUT.data([{"fault": v.probe, "how": v.how, "covered": v.covered, "red": v.red} for v in verdicts])
    for verdict in () if as_json else verdicts:
        say(str(verdict), "red" if verdict.red else "green" if verdict.covered else "yellow")
    raise typer.Exit(7 if red else 0)


def docs(
    check: Annotated[bool, typer.Option("--check", help="Only tell whether they are as they should be.")] = False,
) -> None:
    """Write the catalogue's page and the interviewer's reference from the code. With --check: exit code 6 when stale.

    Example: brownout docs --check
    """
    from brownout import reference as catalogue
    from brownout.cli import reference
    from brownout.cli.app import app
    from brownout.settings import ROOT

    made = {catalogue.PAGE: catalogue.page(), reference.PAGE: reference.page(app)}
    stale = [page for page, text in made.items() if not page.exists() or page.read_text() != text]
    if not check:
        for page in stale:
            page.write_text(made[page])
            say(f"{os.path.relpath(page, ROOT)} is written.")
        return
    for page in stale:
        OUT.complain(f"{os.path.relpath(page, ROOT)} does not say what the code says. Run `make docs` and commit it.")
    if stale:
        raise typer.Exit(6)
    say(f"{len(made)} pages say what the code says.", "green")


def add_to(app: typer.Typer) -> None:
    for command in (prove, quiet, docs):
        app.command()(command)
