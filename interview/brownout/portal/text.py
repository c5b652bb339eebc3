"""The portal as text: the same things in the same order, for a terminal of any width from 60 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill, indent

from brownout.portal import guide
from brownout.portal.links import Link
from brownout.portal.stack_map import StackMap
from brownout.portal.view import COMPONENTS, FAILURE_CLASSES, View, clock

WIDTH = 78
MARKS = {"ok": "ok ", "warn": "?? ", "bad": "!! ", "unknown": " - "}


def plain(text: str) -> str:
    """Without control characters: what people wrote cannot move a terminal's cursor."""
    return "".join(c if c == "\n" or c.isprintable() else "?" for c in text)


def _fill(text: str, left: str = "") -> str:
    return "\n".join(fill(line, WIDTH, initial_indent=left, subsequent_indent=left) for line in plain(text).split("\n"))


def _title(text: str) -> str:
    return f"\n{text.upper()}\n"


def time_left(view: View) -> str:
    left = f"{clock(view.left_seconds)} left of {clock(view.time_box_minutes * 60)}"
    return f"{left}, {view.state_words} · {view.world} · {view.wall}\n{view.pace}.\n"


def page(view: View) -> str:
    brief = view.brief
    if not brief.noticed:
        return f"The interview is {view.state_words}; the page from on-call comes with the start.\n"
    parts = [brief.heading or "Page from on-call", *(_fill(p) for p in brief.noticed)]
    if brief.cost:
        parts.append(_fill(f"What it costs: {brief.cost}"))
    if brief.asked:
        parts.append(_fill(brief.asked))
    return "\n\n".join([*parts, _fill(view.ai)]) + "\n"


def stack(found: StackMap) -> str:
    lines = [found.sentence]
    for part in found.parts:
        lines.append(f"{MARKS[part.state]}{plain(part.title):<14} {plain(part.why)}")
        for fact in part.facts:
            healthy = f"(healthy {fact.healthy})" if fact.healthy else ""
            mark = "*" if fact.outside else " "
            lines.append(f"    {mark} {plain(fact.label):<18} {fact.now:<10} {healthy}".rstrip())
    return "\n".join(lines) + "\n"


def links(found: Sequence[Link]) -> str:
    return "".join(f"{link.title:<18} {link.url}\n{'':<18} {link.use}\n" for link in found)


def how() -> str:
    told = [f"{way.title}\n{indent(chr(10).join(way.commands), '    ')}\n{_fill(way.note, '  ')}" for way in guide.WAYS]
    return "\n".join(told) + "\n"


def words() -> str:
    def table(known: dict[str, str]) -> str:
        return "".join(f"  {name:<22} {meaning}\n" for name, meaning in known.items())

    return f"Components\n{table(COMPONENTS)}\nFailure classes\n{table(FAILURE_CLASSES)}"


def findings(view: View) -> str:
    told = [guide.FINDING_RULE, ""]
    for said in view.findings:
        verdict = f", {said.verdict}: {said.reason}" if said.verdict else ""
        by = ", said aloud" if said.spoken else ""
        told.append(f"{said.number}. {said.certainty} at {said.at.elapsed} ({said.at.wall}{by}){verdict}")
        told.append(f"   {said.component} / {said.failure_class}")
        told.append(_fill(said.text, "   "))
        told += [_fill(f"{name}: {text}", "   ") for name, text in _extras(said.evidence, said.repair)]
    return "\n".join(told if view.findings else [*told, "Nothing stated yet."]) + "\n"


def _extras(evidence: str, repair: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text in (("Evidence", evidence), ("Repair", repair)) if text]


def hints(view: View) -> str:
    told = [_fill(guide.HINT_COST), ""]
    told += [f"{h.number}. at {h.at.elapsed} ({h.at.wall})\n{_fill(h.text, '   ')}" for h in view.hints]
    return "\n".join(told if view.hints else [*told, "No hint given yet."]) + "\n"


def hand_over(view: View) -> str:
    if view.hand_over_at is None:
        return "No hand-over note yet.\n"
    return f"Written at {view.hand_over_at.elapsed} ({view.hand_over_at.wall}):\n{_fill(view.hand_over, '   ')}\n"


def everything(view: View, found: StackMap, known: Sequence[Link]) -> str:
    parts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Time", lambda: time_left(view)),
        ("Page", lambda: page(view)),
        ("The stack, healthy against now", lambda: stack(found)),
        ("Open", lambda: links(known)),
        ("How", how),
        ("Findings", lambda: findings(view)),
        ("Hints", lambda: hints(view)),
        ("Hand-over", lambda: hand_over(view)),
    )
    return "".join(f"{_title(name)}{told()}" for name, told in parts).lstrip("\n")
