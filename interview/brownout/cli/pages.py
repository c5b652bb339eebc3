"""`brownout console`, `live`, `rater`, `ratings`: the console's link, and what its pages show, as text."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brownout.cli.shared import Json, Which, meant, say
from ontime.cli.output import OUT

if TYPE_CHECKING:
    from brownout.facts import Facts

PAGE = """<!doctype html><meta charset="utf-8"><title>Console</title>
<meta name="referrer" content="no-referrer"><script>location.replace({link})</script>
<p>The console opens; if it does not, <a href={link}>go there</a>.</p>
"""


def console(
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open it in this machine's browser.")] = True,
    as_json: Json = False,
) -> None:
    """Open the console in a browser, and print its link. The part behind the # is the token: it reaches no log.

    Example: brownout console
    """
    from brownout.proctor import tokens
    from brownout.settings import harness

    here = harness()
    link = f"{here.console_url}/enter#{tokens.read(here, 'proctor')}"
    opened = browser and not as_json and _shows_windows() and _open(here.run / "console.html", link)
    if as_json:
        OUT.data({"url": here.console_url, "link": link})
        return
    say("The console opens in your browser." if opened else "Open this in your browser:", "green" if opened else "")
    print(link)


def _shows_windows() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(page: Path, link: str) -> bool:
    """By way of a file that is the invoker's alone: a browser's arguments can be read by every user."""
    import json
    import webbrowser

    with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(PAGE.format(link=json.dumps(link)))
    try:
        return webbrowser.open(page.as_uri())
    except webbrowser.Error:
        return False


def live(which: Which = None, as_json: Json = False) -> None:
    """Everything of the console's live page: clock, faults, findings with their confirm-when, hints, alerts, evidence.

    For interviewers: it names what is broken.

    Examples: brownout live · brownout live --json
    """
    import time
    from dataclasses import asdict

    from brownout.console import views
    from brownout.console.alerts import Alertmanager
    from brownout.console.known import Shelf
    from brownout.settings import harness
    from ontime.settings import environment

    found = meant(which)
    known = Shelf(harness()).read(found)
    board = Alertmanager(lambda: environment().alertmanager_url)()
    if as_json:
        now = time.time()
        OUT.data(
            {
                "facts": known.facts.model_dump(mode="json"),
                "clock": views.clock(known.facts, now),
                "guides": {
                    r.fault: {"confirm": r.confirm_when, "partial": r.partial_when, "refuse": r.refuse_when}
                    for r in known.created.faults
                },
                "hints": [
                    {"text": rung.text, "given": rung.given is not None, "next": rung.following}
                    for _, rungs in views.ladder(known)
                    for rung in rungs
                ],
                "alerts": [asdict(alert) for alert in board.alerts],
                "evidence": [asdict(row) for row in views.evidence(known.facts, now)],
            }
        )
        return
    _show(known, board)


def _show(known: Any, board: Any) -> None:
    import time

    from rich.markup import escape

    from brownout.console import views
    from brownout.scorecard.render import duration, world_time

    facts: Facts = known.facts
    now = time.time()
    say(
        f"{facts.interview} ({facts.scenario}, seed {facts.seed}) is {facts.state}: {duration(facts.elapsed_at(now))} "
        f"used, {duration(facts.left_at(now))} left; {world_time(known.interview.world())} in the world.",
        "bold",
    )
    for card in views.cards(known):
        say(f"\n{escape(card.facts.title)}", "bold")
        for name in views.MOMENTS:
            at = getattr(card.facts, name)
            told = "not yet" if at is None else "before the start" if (at.elapsed or -1) < 0 else duration(at.elapsed)
            say(f"  {name.replace('_', ' '):<17} {told}" + (f"  {escape(at.why)}" if at and at.why else ""))
        for probe in card.facts.probes:
            say(f"  {probe.probe} ({probe.role.replace('_', ' ')}) is {probe.status}: {escape(probe.why)}")
    for stated in views.findings(known):
        f = stated.facts
        say(f"\n{f.certainty.capitalize()} {f.number}: {f.component} / {f.failure_class}, {f.verdict}", "bold")
        say(f"  {escape(f.text)}")
        for record in () if stated.judged else stated.guides:
            say(f"  confirm when: {escape(record.confirm_when)}", "dim")
            say(f"  partly when:  {escape(record.partial_when)}", "dim")
            say(f"  refuse when:  {escape(record.refuse_when)}", "dim")
    say(f"\nHints: {len(facts.hints)} of {facts.hints_known} given", "bold")
    for _, rungs in views.ladder(known):
        for rung in rungs:
            say(f"  {'given' if rung.given else 'next ' if rung.following else '     '}  {escape(rung.text)}")
    say("\nAlerts" + (f": {board.why}" if board.why else ""), "bold")
    for alert in board.alerts:
        say(f"  {alert.severity:<7} {alert.name}: {escape(alert.summary)}")
    looked = views.evidence(facts, now)
    if looked:
        say("\nEvidence: " + ", ".join(f"{row.name} {row.looks}" for row in looked), "bold")


def rater(
    name: Annotated[str, typer.Argument(help="The second rater's name.")], which: Which = None, as_json: Json = False
) -> None:
    """Print a second rater's link: it opens the rubric and the findings as stated, and nothing else, for a week.

    Example: brownout rater ben
    """
    from brownout.console.acts import link
    from brownout.console.doors import Doors
    from brownout.proctor import tokens
    from brownout.settings import harness

    found = meant(which)
    found.require(found.facts(), "be rated by another", "running", "paused", "closed")
    made = link(Doors(tokens.read(harness(), "proctor"), harness().console_url), found.id, name)
    if as_json:
        OUT.data({"rater": name, "link": made})
    else:
        print(made)


def ratings(
    done: Annotated[str, typer.Option(help="This rater is done; what they left out stays out.")] = "",
    which: Which = None,
    as_json: Json = False,
) -> None:
    """Show how far the raters agree, when each of them is done.

    Examples: brownout ratings --done ann · brownout ratings
    """
    from dataclasses import asdict

    from rich.table import Table

    from brownout.console import agreement

    found = meant(which)
    if done:
        from brownout.scorecard import render

        found.finish_ratings(done)
        render.write(found)
    facts = found.facts()
    waiting = agreement.waiting(facts)
    if as_json:
        OUT.data({"waiting": waiting, "agreement": None if waiting else asdict(agreement.of(facts))})
        return
    if waiting:
        say(f"Still rating: {', '.join(waiting)}. Each ends with: brownout ratings --done NAME", "yellow")
        return
    told = agreement.of(facts)
    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("dimension", *told.raters, "apart"):
        view.add_column(heading)
    for row in told.rows:
        scores = (str(score) if score is not None else "–" for score in row.scores)
        view.add_row(row.title, *scores, "–" if row.apart is None else str(row.apart))
    OUT.people.print(view)
    say(f"{told.same} of {told.pairs} ratings are equal, {told.near} at most one apart.")


def add_to(app: typer.Typer) -> None:
    for command in (console, live, rater, ratings):
        app.command()(command)
