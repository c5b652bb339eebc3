"""`brownout prove`, `quiet`, `docs`: what makes the catalogue one that can be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from brownout.cli.shared import Json, say, telling
from ontime.cli.output import OUT

if TYPE_CHECKING:
    from brownout.proof.prove import Proved


def prove(
    fault: Annotated[list[str] | None, typer.Argument(help="Faults by id; default: every one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws target and magnitude; default: the scenario's own.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many solutions and wrong fixes; default: PROVE_LIMIT, else all.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prove again what was proved already.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Write interview/proved.json and its page.")] = False,
    stacks: Annotated[
        int, typer.Option(min=1, max=8, help="Stacks at once, 3 GiB each; those beside the first go when all is done.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Prove faults both ways on the running stack, which it takes for itself. Exit code 8 when one is dishonest.

    Interrupted, it goes on where it was. On Kubernetes the default is what only Kubernetes shows.

    Examples: brownout prove stale_fresh_path --limit 1 · brownout prove --stacks 2 --record
    """
    from brownout.faults import discover, get
    from brownout.proof import published, table
    from brownout.proof.prove import provable
    from brownout.proof.stacks import DISHONEST
    from brownout.reference import write
    from ontime.settings import environment

    names = [get(name).id for name in fault or provable(discover(), environment().runtime)]
    most = limit if limit is not None else _limit_of_the_environment()
    done: list[Proved] = []
    for proved in _each(names, seed, most, fresh, min(stacks, len(names))):
        done.append(proved)
        if not as_json:
            OUT.people.print(table.steps(proved))
        if record:
            published.publish(proved)
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
    raise typer.Exit(0 if all(proved.honest for proved in done) else DISHONEST)


def _each(names: list[str], seed: int | None, limit: int | None, fresh: bool, stacks: int) -> Iterator[Proved]:
    """The proof of each, in the order in which they are done."""
    from brownout.proof import published
    from brownout.proof.prove import prove, refuse_beside_an_interview, stepwise
    from brownout.proof.stacks import Side, Stacks, longest_first
    from brownout.settings import harness
    from brownout.world import dataset
    from ontime.settings import environment

    if stacks == 1 or environment().runtime == "kind":
        for number, name in enumerate(names, 1):
            with telling() as tell:
                tell(name, "done", f"{number} of {len(names)}")
                proved = prove(name, stepwise(tell), seed=seed, limit=limit, fresh=fresh)
            yield proved
        return
    refuse_beside_an_interview(harness())
    chosen = {"--seed": seed, "--limit": limit}
    options = [text for name, value in chosen.items() if value is not None for text in (name, str(value))]
    sides = [Side.of(number, harness(), environment()) for number in range(stacks)]
    with telling() as tell:
        tell("flights", "started", "")
        dataset.ensure(harness().data)
        tell("flights", "done", "")
        ordered = longest_first(names, published.read())
        beside = Stacks(sides, ordered, [*options, *(["--fresh"] if fresh else [])], tell)
        yield from beside.prove(seed, limit is not None)


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
    from brownout.proof.prove import provable
    from brownout.quiet import live, of_baseline
    from brownout.settings import harness
    from ontime.settings import environment

    faults = discover()
    probes = {name: faults[name].plan(faults[name].draw(0)).symptom for name in provable(faults)}
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
