"""`brownout scenarios`, `interview`, `start`, `pause`, `resume`, `close`: what moves an interview along."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from brownout.cli.shared import Json, lifecycle, meant, say, telling
from ontime.cli.output import OUT

if TYPE_CHECKING:
    from brownout.interview import Interview
    from brownout.scenarios import Scenario


class Ai(StrEnum):
    none = "none"
    own = "own"
    provided = "provided"


def scenarios(as_json: Json = False) -> None:
    """List the scenarios with their titles. For interviewers: the titles tell.

    Example: brownout scenarios
    """
    from rich.markup import escape
    from rich.table import Table

    from brownout.scenarios import load

    found = load().values()
    if as_json:
        OUT.data([_listed(s) for s in found])
        return
    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("scenario", "level", "minutes", "baseline", "title", "found / mitigated / fixed by", "seeds"):
        view.add_column(heading)
    for s in found:
        if s.variants:
            view.add_row(s.id, s.level, str(s.time_box_minutes), "by seed", escape(s.title), "", "")
        for truth in s.truths:
            told = ("", "", "") if s.variants else (s.id, s.level, str(s.time_box_minutes))
            seeds = f"{', '.join(map(str, s.seeds_of(truth, 4)))}…" if s.variants else "any"
            view.add_row(
                *told,
                f"{truth.baseline}, on Kubernetes" if s.runtime == "kind" else truth.baseline,
                escape(truth.title),
                _times(truth),
                seeds,
            )
    OUT.people.print(view)


def _times(truth: Scenario) -> str:
    by = (truth.expected.found, truth.expected.mitigated, truth.expected.fixed)
    return " / ".join("–" if minutes is None else f"{minutes:g}" for minutes in by) + " min"


def _listed(s: Scenario) -> dict[str, object]:
    return {**s.model_dump(mode="json"), "runtime": s.runtime, "truths": [_truth(s, truth) for truth in s.truths]}


def _truth(scenario: Scenario, truth: Scenario) -> dict[str, object]:
    """One thing that the scenario can turn out to be, and the first seeds that make it so; none when any does."""
    return {
        "title": truth.title,
        "baseline": truth.baseline,
        "faults": [use.fault for use in truth.faults],
        "expected": truth.expected.model_dump(mode="json"),
        "seeds": scenario.seeds_of(truth) if scenario.variants else [],
    }


def interview(
    scenario: Annotated[str, typer.Argument(help="A scenario; see `brownout scenarios`.")],
    seed: Annotated[int | None, typer.Option(help="Changes target and magnitude; default: the scenario's own.")] = None,
    candidate: Annotated[str, typer.Option(help="An alias of the candidate, for ledger and scorecard.")] = "",
    ai: Annotated[Ai, typer.Option(help="What AI help the candidate may use.")] = Ai.none,
    rater: Annotated[
        list[str] | None, typer.Option("--rater", help="Who rates at the close; the first is you. May be repeated.")
    ] = None,
    yes_start: Annotated[bool, typer.Option("--yes-start", help="Start at once, without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Prepare an interview, print its brief, and wait for "start".

    Restores the baseline, makes the workspace, injects, waits for the symptom, freezes. Under five minutes.

    Examples: brownout interview junior-01 · brownout interview mid-02 --seed 11 --candidate kestrel --ai own
    """
    from brownout.scenarios import get
    from brownout.settings import harness
    from brownout.stack import Stack
    from ontime.settings import environment

    chosen = get(scenario)
    with telling() as tell:
        Stack(harness(), environment(), tell).ensure_proctor()
        made = lifecycle(tell).prepare(chosen, seed, candidate, ai.value, tuple(rater or ()))
    if not as_json:
        _brief(made)
    if yes_start or (not as_json and _asked()):
        _start(made)
    if as_json:
        _print(made)
    elif made.facts().state == "ready":
        say("Everything stands still until: brownout start")


def start(which: Annotated[str | None, typer.Option("--interview", hidden=True)] = None, as_json: Json = False) -> None:
    """Release everything and begin the time box.

    Example: brownout start
    """
    found = meant(which)
    _start(found)
    if as_json:
        _print(found)


def pause(
    reason: Annotated[list[str], typer.Argument(help="Why; it stands on the scorecard.")],
    lost: Annotated[bool, typer.Option("--lost", help="The harness's own failure is the reason.")] = False,
    as_json: Json = False,
) -> None:
    """Freeze both clocks, with a reason.

    Example: brownout pause fire drill
    """
    found = meant(None)
    with telling() as tell:
        lifecycle(tell).pause(found, " ".join(reason), lost)
    _told(found, as_json, "Paused. Go on with: brownout resume")


def resume(as_json: Json = False) -> None:
    """Let everything run again.

    Example: brownout resume
    """
    found = meant(None)
    with telling() as tell:
        lifecycle(tell).resume(found)
    _told(found, as_json, "Running again.")


def close(
    reason: Annotated[list[str] | None, typer.Argument(help="Why it ends.")] = None,
    rating: Annotated[
        list[str] | None,
        typer.Option("--rating", help="DIMENSION=SCORE or DIMENSION=SCORE:WHY; given before the scorecard is made."),
    ] = None,
    rater: Annotated[str, typer.Option(help="Who rates.")] = "interviewer",
    afterwatch: Annotated[bool, typer.Option(help="Go on probing for ten minutes.")] = True,
    as_json: Json = False,
) -> None:
    """End the time box, take the ratings, write the scorecard.

    Example: brownout close time is up --rating detection=4 --rating "repair=3:did not check the stored rows"
    """
    from brownout.scorecard import render

    found = meant(None)
    for given in rating or []:
        found.rate(rater, *_rating(given))
    if not rating and not as_json and sys.stdin.isatty():
        _ask_ratings(found, rater)
    with telling() as tell:
        lifecycle(tell).close(found, " ".join(reason or []) or "closed by the interviewer", afterwatch)
    files = render.write(found)
    if as_json:
        _print(found, {form: str(path) for form, path in files.items()})
        return
    for path in files.values():
        say(str(path))
    later = "Probes look for ten minutes more; then the scorecard is written again. " if afterwatch else ""
    say(f"Closed. {later}Back to healthy: brownout reset", "green")


def _rating(given: str) -> tuple[str, int, str]:
    from brownout.errors import LifecycleError

    dimension, _, rest = given.partition("=")
    score, _, why = rest.partition(":")
    if not score.strip().isdigit():
        raise LifecycleError(f"Rating {given!r} is not DIMENSION=SCORE or DIMENSION=SCORE:WHY, with a score of 1 to 5.")
    return dimension.strip(), int(score), why.strip()


def _ask_ratings(found: Interview, rater: str) -> None:
    """Ratings come before the machine's facts, so that these do not colour them."""
    from brownout.rubric import load

    say("Ratings first; Enter leaves one out.", "bold")
    for name, dimension in load().dimensions.items():
        say(f"\n{dimension.title}: {dimension.question}", "bold")
        for score, anchor in dimension.anchors.items():
            say(f"  {score}  {anchor}", "dim")
        answer = typer.prompt("score", default="", show_default=False).strip()
        if answer.isdigit() and 1 <= int(answer) <= 5:
            found.rate(rater, name, int(answer), typer.prompt("why", default="", show_default=False))


def _brief(made: Interview) -> None:
    from rich.panel import Panel
    from rich.text import Text

    from brownout.settings import harness

    facts = made.facts()
    access = made.access()
    OUT.people.print(Panel(Text(facts.brief), title="page from on-call", padding=(1, 2)))
    say(f"Interview {facts.interview}: {facts.scenario}, seed {facts.seed}, {facts.time_box_minutes:g} minutes.")
    if facts.preparation_seconds is not None:
        say(f"Prepared in {facts.preparation_seconds:.0f} s; everything stands still.")
    if facts.secrecy == "on-trust":
        say("Secrecy is on trust: nothing keeps the candidate from reading what is yours.", "yellow")
    if access is not None:
        say(f"The candidate's way in, from the start on: {harness().way_in_url}/?token={access.code}")


def _asked() -> bool:
    """Whether the person at the terminal typed "start"; without a terminal nobody is asked."""
    if not sys.stdin.isatty():
        return False
    answer = typer.prompt('Type "start" when the candidate is ready', default="", show_default=False)
    return bool(answer.strip().lower() == "start")


def _start(found: Interview) -> None:
    with telling() as tell:
        lifecycle(tell).start(found)
    say(f"Started: {found.facts().time_box_minutes:g} minutes.", "green")


def _told(found: Interview, as_json: bool, text: str) -> None:
    if as_json:
        _print(found)
    else:
        say(text, "green")


def _print(found: Interview, files: dict[str, str] | None = None) -> None:
    facts = found.facts()
    access = found.access()
    OUT.data(
        {
            "facts": facts.model_dump(mode="json"),
            "code": access.code if access else None,
            **({"scorecard": files} if files else {}),
        }
    )


def add_to(app: typer.Typer) -> None:
    for command in (scenarios, interview, start, pause, resume, close):
        app.command()(command)
