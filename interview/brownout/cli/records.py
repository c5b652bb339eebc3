"""The verbs of the ledger: findings, verdicts, hints, notes, ratings; history and scorecards."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brownout.cli.shared import Json, Which, meant, say
from ontime.cli.output import OUT

if TYPE_CHECKING:
    from brownout.facts import Facts

VERDICTS = {
    **dict.fromkeys(("confirm", "confirmed"), "confirmed"),
    **dict.fromkeys(("partial", "partly"), "partial"),
    **dict.fromkeys(("refuse", "refused"), "refused"),
}


def finding(
    component: Annotated[str, typer.Argument(help="A component, e.g. ingest; `none` when nothing is broken.")],
    failure_class: Annotated[str, typer.Argument(help="A failure class, e.g. stale_data.")],
    text: Annotated[list[str], typer.Argument(help="What is wrong, and why.")],
    conclusion: Annotated[
        bool, typer.Option("--conclusion/--suspicion", help="A suspicion is never counted against anyone.")
    ] = True,
    evidence: Annotated[str, typer.Option(help="What shows it.")] = "",
    repair: Annotated[str, typer.Option(help="What should be done.")] = "",
    as_json: Json = False,
) -> None:
    """Record what the candidate says is wrong.

    Example: brownout finding ingest stale_data the watermark never advances --suspicion
    """
    found = meant(None)
    certainty = "conclusion" if conclusion else "suspicion"
    made = found.state_finding("interviewer", component, failure_class, " ".join(text), certainty, evidence, repair)  # type: ignore[arg-type]
    if as_json:
        OUT.data(made.model_dump(mode="json"))
        return
    say(f"{certainty.capitalize()} {made.finding} recorded: {made.component} / {made.failure_class}.", "green")
    say(f"Suggested: {made.suggested}. {made.suggested_why}")
    word = {"confirmed": "confirm", "partial": "partial", "refused": "refuse"}[made.suggested or "refused"]
    say(f'Your word: brownout verdict {made.finding} {word} "why"', "dim")


def verdict(
    number: Annotated[int, typer.Argument(help="The finding's number.")],
    word: Annotated[str, typer.Argument(help="confirm, partial or refuse.")],
    reason: Annotated[list[str], typer.Argument(help="Why.")],
    fault: Annotated[str | None, typer.Option(help="Which fault, when there are several.")] = None,
    as_json: Json = False,
) -> None:
    """Confirm or correct the suggested verdict on a finding, with a reason.

    Example: brownout verdict 2 confirm named component and mechanism
    """
    from ontime.errors import UnknownNameError

    if word not in VERDICTS:
        raise UnknownNameError.of("verdict", word, ("confirm", "partial", "refuse"))
    made = meant(None).judge(number, VERDICTS[word], " ".join(reason), fault)  # type: ignore[arg-type]
    if as_json:
        OUT.data(made.model_dump(mode="json"))
    else:
        say(f"Finding {number} is {made.verdict}.", "green")


def hint(as_json: Json = False) -> None:
    """Hand out the next scripted hint; it is recorded.

    Example: brownout hint
    """
    made = meant(None).next_hint("interviewer")
    if as_json:
        OUT.data(made.model_dump(mode="json"))
    else:
        say(f"Hint {made.number}: {made.text}")


def notes(
    text: Annotated[list[str] | None, typer.Argument(help="A private note; without it, the notes are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Write a private note with its time, or list the notes.

    Examples: brownout notes compared the ages of two views · brownout notes
    """
    from brownout.scorecard.render import duration

    found = meant(None)
    if text:
        entry = found.note(" ".join(text))
        if as_json:
            OUT.data({"seq": entry.seq})
        else:
            say(f"Noted as entry {entry.seq}.")
        return
    known = found.facts().notes
    if as_json:
        OUT.data([note.model_dump(mode="json") for note in known])
    for note in () if as_json else known:
        say(f"{note.seq:>4}  {duration(note.at.elapsed):>8}  {note.text}")


def rate(
    dimension: Annotated[str, typer.Argument(help="A dimension of the rubric.")],
    score: Annotated[int, typer.Argument(help="1 to 5.")],
    why: Annotated[list[str] | None, typer.Argument(help="What you saw.")] = None,
    rater: Annotated[str, typer.Option(help="Who rates.")] = "interviewer",
    which: Which = None,
    as_json: Json = False,
) -> None:
    """Rate one dimension of the rubric.

    Example: brownout rate detection 4 compared with a healthy day
    """
    entry = meant(which).rate(rater, dimension, score, " ".join(why or []))
    if as_json:
        OUT.data({"seq": entry.seq, "dimension": dimension, "score": score, "rater": rater})
        return
    say(f"{dimension}: {score}.", "green")


def undo(
    seq: Annotated[int, typer.Argument(help="Number of the ledger's entry.")],
    reason: Annotated[list[str], typer.Argument(help="Why.")],
    as_json: Json = False,
) -> None:
    """Take back a finding, verdict, hint, note or rating; it stays in the ledger and no longer counts.

    Example: brownout undo 41 typed the wrong component
    """
    entry = meant(None).undo(seq, " ".join(reason))
    if as_json:
        OUT.data({"seq": entry.seq, "undone": seq})
        return
    say(f"Entry {seq} no longer counts.", "green")


def history(
    times: Annotated[
        bool, typer.Option("--times", help="How the times are spread, by scenario and AI policy.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List all interviews, oldest first, or how their times are spread.

    Examples: brownout history · brownout history --times
    """
    from rich.markup import escape
    from rich.table import Table

    from brownout.interview import Interview, known_ids
    from brownout.proctor.interviewer import line
    from brownout.settings import harness

    all_facts: list[Facts] = [Interview(harness(), name).facts() for name in known_ids(harness())]
    if times:
        _spread(all_facts, as_json)
        return
    if as_json:
        OUT.data([line(facts).model_dump(mode="json") for facts in all_facts])
        return
    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "interview",
        "scenario",
        "seed",
        "candidate",
        "state",
        "found",
        "mitigated",
        "fixed",
        "worse",
        "hints",
    ):
        view.add_column(heading)
    for facts in all_facts:
        view.add_row(
            facts.interview,
            facts.scenario,
            str(facts.seed),
            escape(facts.candidate),
            facts.state,
            *(_moments(facts, name) for name in ("found", "mitigated", "fixed")),
            str(sum(len(fault.left_worse) for fault in facts.faults) or "–"),
            str(len(facts.hints)),
        )
    OUT.people.print(view)


def _spread(all_facts: list[Facts], as_json: bool) -> None:
    from dataclasses import asdict

    from rich.table import Table

    from brownout.console import distributions
    from brownout.scenarios import load

    found = distributions.of(all_facts, load())
    if as_json:
        OUT.data([asdict(one) for one in found])
        return

    def told(minutes: float | None) -> str:
        return "–" if minutes is None else f"{minutes:.1f}"

    view = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("scenario", "AI", "moment", "reached", "fastest", "median", "slowest", "expected"):
        view.add_column(heading)
    for one in found:
        for s in one.spreads:
            ends = (s.dots[0].minutes, s.dots[-1].minutes) if s.dots else (None, None)
            reached = f"{len(s.dots)} of {s.of}"
            figures = (told(x) for x in (ends[0], s.median, ends[1], s.expected))
            view.add_row(one.scenario, one.ai_policy, s.what, reached, *figures)
    OUT.people.print(view)


def _moments(facts: Facts, name: str) -> str:
    from brownout.scorecard.render import duration

    return " ".join(duration(m.elapsed) if (m := getattr(fault, name)) else "–" for fault in facts.faults) or "–"


def scorecard(
    which: Annotated[str | None, typer.Argument(help="An interview's id.")] = None,
    as_json: Json = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON form's schema instead.")] = False,
) -> None:
    """Write the scorecard from the ledger as it stands, in all three forms.

    Examples: brownout scorecard · brownout scorecard --json · brownout scorecard --schema
    """
    from brownout.scorecard import document, render

    if schema:
        OUT.data(document.schema())
        return
    found = meant(which)
    if as_json:
        print(render.as_text(document.of(found.facts()), "json"), end="")
        return
    for path in render.write(found).values():
        say(str(path))


def verify(
    path: Annotated[Path | None, typer.Argument(help="A scorecard; default: the current interview's ledger.")] = None,
    salvage: Annotated[
        Path | None, typer.Option(help="Write the whole part of the current ledger to this new file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a scorecard against its ledger, or the ledger itself. Exit code 0 when all agree, else 6.

    Examples: brownout verify scorecard.json · brownout verify
    """
    from brownout import ledger
    from brownout.interview import the_ledger
    from brownout.scorecard.verify import verify as check
    from brownout.settings import harness

    if path is not None:
        checked = check(path, harness())
        problems, entries, what = list(checked.differences), checked.entries, f"{path.name} of {checked.interview}"
    else:
        file = the_ledger(harness())
        chain = ledger.verify(file)
        problems = [f"entry {p.seq}: {p.what}" if p.seq else p.what for p in chain.problems]
        entries, what = chain.entries, f"ledger of {file.parent.name}"
        if salvage is not None:
            problems = problems and [*problems, f"{ledger.copy_whole(file, salvage)} entries written to {salvage}"]
    if as_json:
        OUT.data({"ok": not problems, "what": what, "entries": entries, "problems": problems})
    elif problems:
        OUT.complain(f"{what} does not agree\n" + "\n".join(problems))
    else:
        say(f"{what} agrees: {entries} entries, {time.strftime('%H:%M:%S UTC', time.gmtime())}.", "green")
    raise typer.Exit(6 if problems else 0)


def add_to(app: typer.Typer) -> None:
    for command in (finding, verdict, hint, notes, rate, undo, history, scorecard, verify):
        app.command()(command)
