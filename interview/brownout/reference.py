"""The page of the catalogue, made from the faults, the scenarios and the last whole proof: docs/reference/faults.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brownout.faults import Fault, discover
from brownout.faults.discovery import ours
from brownout.proof import published
from brownout.proof.published import Record
from brownout.proof.setting import scenarios_of
from brownout.settings import ROOT

PAGE = ROOT / "docs" / "reference" / "faults.md"
MADE = "<!-- Made from the catalogue by `make docs`; `make docs-check` compares. No workspace holds this page. -->\n"
EMPTY = "–"


def write() -> None:
    PAGE.write_text(page())


def page() -> str:
    """Of this checkout's own faults; those of packs are not published."""
    faults = [fault for name, fault in sorted(discover().items()) if ours(name)]
    proofs = published.read()
    parts = [
        MADE,
        "# Faults\n",
        "A proof looks both ways on a running stack: healthy, injected, every repair, every wrong fix, reset. "
        "`make prove-all` does it again, and with `RUNTIME=kind` for those that only Kubernetes shows; "
        "[how to add one](../adding-a-fault.md).\n",
        _overview(faults, proofs),
        "## What the proof's minutes are spent on\n",
        _minutes(faults, proofs),
    ]
    parts += [_one(fault, proofs.get(fault.id)) for fault in faults]
    return "\n".join(parts)


def _overview(faults: Sequence[Fault], proofs: dict[str, Record]) -> str:
    rows = []
    for fault in faults:
        proof, plan = proofs.get(fault.id), fault.plan(fault.draw(0))
        rows.append(
            (
                f"[{fault.id}](#{fault.id})",
                fault.layer,
                ", ".join(fault.levels),
                ", ".join(scenarios_of(fault.id)) or EMPTY,
                f"{len(fault.must_notice)} / {len(fault.evidence)}",
                f"{len(plan.solutions) + len(plan.valid_fixes)} / {len(plan.wrong_fixes)}",
                _seconds(proof.figure("symptom", "symptom_seconds") if proof else None),
                _seconds(proof.figure("solution", "fixed_after_seconds") if proof else None),
                f"{proof.at} `{proof.key}`" if proof else "not yet",
            )
        )
    heads = (
        *("fault", "layer", "levels", "scenarios", "to notice / places", "repairs / wrong fixes"),
        *("symptom seen after", "repair seen after", "proved whole"),
    )
    return _table(heads, rows)


def _minutes(faults: Sequence[Fault], proofs: dict[str, Record]) -> str:
    known = {fault.id: proofs[fault.id] for fault in faults if fault.id in proofs}
    if not known:
        return "Nothing was proved whole yet.\n"
    whole: dict[str, float] = {}
    for proof in known.values():
        for phase, seconds in proof.spent.items():
            whole[phase] = whole.get(phase, 0.0) + seconds
    phases = sorted(whole, key=lambda phase: -whole[phase])
    rows = [
        (name, *(_minute(proof.spent.get(phase, 0.0)) for phase in phases), _minute(proof.seconds))
        for name, proof in known.items()
    ]
    total = sum(proof.seconds for proof in known.values())
    rows.append(("**all**", *(_minute(whole[phase]) for phase in phases), f"**{_minute(total)}**"))
    told = (
        "Minutes of one stack. On one machine `make prove-all` has two at once, each with its faults, so that the "
        "whole takes about half of them; on Kubernetes it takes one fault after another.\n\n"
    )
    return told + _table(("minutes", *phases, "in all"), rows)


def _one(fault: Fault, proof: Record | None) -> str:
    plan = fault.plan(fault.draw(0))
    lines = [
        f"## {fault.id}\n",
        f"{fault.title}. *{fault.symptom}*\n",
        "From symptom to root cause:\n",
        *_numbered(fault.truth),
        "\nWhat must be noticed:\n",
        *(f"* {_plain(text)}" for text in fault.must_notice),
        f"\nThe evidence stands in {len(fault.evidence)} places: {', '.join(fault.evidence)}.\n",
        f"The symptom, judged by {plan.symptom.name}, has {fault.symptom_budget_seconds:.0f} s to show; the root cause "
        f"is judged by {', '.join(probe.name for probe in plan.root_cause) or 'nothing: there is none'}.\n",
    ]
    seconds = {step.step: step for step in proof.steps} if proof else {}
    rows = []
    for kind, attempts in (("solution", plan.solutions), ("other valid fix", plan.valid_fixes)):
        for attempt in attempts:
            step = seconds.get(attempt.name)
            after = step.figures.get("fixed_after_seconds") if step else None
            rows.append((attempt.name, kind, "fixed", _seconds(after), _seconds(step.seconds if step else None)))
    for wrong in plan.wrong_fixes:
        step = seconds.get(wrong.name)
        kind = "cheat" if wrong.cheat else "wrong fix"
        rows.append((wrong.name, kind, f"{wrong.leaves}: {wrong.why}", EMPTY, _seconds(step.seconds if step else None)))
    return "\n".join([*lines, _table(("attempt", "kind", "ends", "seen after", "its proof took"), rows)])


def _numbered(texts: Iterable[str]) -> list[str]:
    return [f"{number}. {_plain(text)}" for number, text in enumerate(texts, 1)]


def _plain(text: str) -> str:
    """Parameters as they are drawn stand in angle brackets."""
    return text.replace("{", "‹").replace("}", "›")


def _seconds(value: float | None) -> str:
    return EMPTY if value is None else f"{value:.0f} s"


def _minute(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(headings), line(["---"] * len(headings)), *(line(row) for row in rows), ""])
