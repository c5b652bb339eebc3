"""The picture of an interview: lanes over the time box, as numbers that the template draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from brownout.facts import Moment
from brownout.scorecard.document import Scorecard

Shape = Literal["circle", "square", "diamond", "triangle", "bar"]
WIDTH = 1000.0
MARGIN = 12.0
NEAREST = 23.0


@dataclass(frozen=True, slots=True)
class Mark:
    """`x` in the picture's units; colour is never alone: each mark has a shape and a letter."""

    x: float
    shape: Shape
    tone: str
    letter: str
    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch in which something was so: thick when broken, thin when ok, dashed when nobody knew."""

    x: float
    width: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    marks: tuple[Mark, ...]
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Strip:
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]
    box: float
    """Where the time box ends."""
    end: float
    """The last second that is drawn; it stands at `right`, and second 0 at `left`."""
    left: float = MARGIN
    right: float = WIDTH - MARGIN


def strip(card: Scorecard) -> Strip | None:
    """None when the interview never started."""
    if card.times.started is None:
        return None
    box = card.about.time_box_minutes * 60
    end = max(box, card.times.used_seconds, *(_elapsed(item.at) for item in card.machine.timeline), 60.0)
    end = min(end, 2 * box + 900)

    def at(seconds: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * min(max(seconds, 0.0), end) / end, 1)

    lanes: tuple[Lane, ...] = (
        Lane("Symptom", (), tuple(_symptom(card, at, end))),
        Lane("Facts", tuple(_facts(card, at))),
        Lane("Findings", tuple(_findings(card, at))),
        Lane("Hints", tuple(Mark(at(_elapsed(h.at)), "triangle", "warning", "?", h.text) for h in card.machine.hints)),
        Lane(
            "Changes",
            tuple(
                Mark(at(_elapsed(i.at)), "square", "neutral", i.text[0].upper(), i.text)
                for i in card.machine.timeline
                if i.kind == "change" and _elapsed(i.at) >= 0
            ),
        ),
        Lane("Made worse", tuple(_harms(card, at))),
        Lane("Looked at", tuple(_looks(card, at))),
        Lane(
            "Pauses",
            tuple(
                Mark(at(_elapsed(i.at)), "bar", "warning", "‖", i.text)
                for i in card.machine.timeline
                if i.kind == "paused"
            ),
        ),
    )
    lanes = tuple(Lane(lane.name, _apart(lane.marks), lane.bands) for lane in lanes if lane.marks or lane.bands)
    step = 5 if end <= 3600 else 15
    minutes = range(0, int(end // 60) + 1, step)
    return Strip(lanes, tuple((at(m * 60), f"{m}") for m in minutes), at(box), round(end, 1))


_WORST: dict[str, int] = {"good": 0, "neutral": 1, "bad": 2}
_SAID = {"good": "not to be seen", "neutral": "not known", "bad": "to be seen"}


def symptom_course(card: Scorecard) -> list[tuple[float, str]]:
    """From when on (seconds of the interview, 0 at the start) the worst symptom probe said what, by tone."""
    probes = {p.probe for fault in card.machine.faults for p in fault.probes if p.role == "symptom"}
    now: dict[str, str] = {}
    course: list[tuple[float, str]] = []
    for item in card.machine.timeline:
        if item.kind != "probe_changed" or item.subject not in probes:
            continue
        now[item.subject] = item.tone
        worst = max(now.values(), key=lambda tone: _WORST.get(tone, 1))
        since = max(0.0, _elapsed(item.at))
        if course and course[-1][0] == since:
            course.pop()
        if not course or course[-1][1] != worst:
            course.append((since, worst))
    return course


def _symptom(card: Scorecard, at: Callable[[float], float], end: float) -> list[Band]:
    course = symptom_course(card)
    untils = [since for since, _ in course[1:]] + [end]
    return [
        Band(at(since), round(max(at(until) - at(since), 2.0), 1), tone, f"symptom {_SAID.get(tone, tone)}")
        for (since, tone), until in zip(course, untils, strict=True)
        if since <= end
    ]


def _apart(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """In order of time, moved to the right so far that none covers the one before."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda m: m.x):
        x = mark.x if not placed else max(mark.x, placed[-1].x + NEAREST)
        placed.append(replace(mark, x=round(x, 1)))
    return tuple(placed)


def _elapsed(moment: Moment) -> float:
    return moment.elapsed if moment.elapsed is not None else 0.0


def _facts(card: Scorecard, at: Callable[[float], float]) -> list[Mark]:
    marks: list[Mark] = []
    for fault in card.machine.faults:
        for name, letter in (("found", "D"), ("mitigated", "M"), ("fixed", "F")):
            moment: Moment | None = getattr(fault, name)
            if moment is not None:
                title = f"{fault.fault} {name}: {moment.why}"
                marks.append(Mark(at(_elapsed(moment)), "circle", "good", letter, title))
    return marks


def _harms(card: Scorecard, at: Callable[[float], float]) -> list[Mark]:
    marks: list[Mark] = []
    for harm in (harm for fault in card.machine.faults for harm in fault.harms):
        after = f", after {harm.change.why}" if harm.change else ""
        marks.append(Mark(at(_elapsed(harm.at)), "square", "bad", "!", f"{harm.probe}: {harm.at.why}{after}"))
    return marks


LOOKS_APART_SECONDS = 60.0
LETTERS = {
    "mlflow": "M",
    "airflow": "A",
    "prometheus": "P",
    "dashboards": "D",
    "reports": "R",
    "logs": "L",
    "git": "G",
    "feature_store": "F",
    "serving": "S",
    "warehouse": "W",
}


def _looks(card: Scorecard, at: Callable[[float], float]) -> list[Mark]:
    """One mark a source and minute: the picture is for the order in which things were looked at."""
    marks: list[Mark] = []
    last: dict[str, float] = {}
    for look in card.machine.evidence:
        moment = _elapsed(look.at)
        if moment - last.get(look.source, -LOOKS_APART_SECONDS) >= LOOKS_APART_SECONDS:
            last[look.source] = moment
            letter = LETTERS.get(look.source, "?")
            marks.append(Mark(at(moment), "circle", "neutral", letter, f"{look.source}: {look.what}"))
    return marks


def _findings(card: Scorecard, at: Callable[[float], float]) -> list[Mark]:
    tones = {"confirmed": "good", "partial": "warning", "refused": "bad", "pending": "neutral"}
    marks: list[Mark] = []
    for f in card.machine.findings:
        tone = "neutral" if f.certainty == "suspicion" else tones[f.verdict]
        title = f"{f.certainty} {f.number}: {f.component} / {f.failure_class}, {f.verdict}"
        marks.append(Mark(at(_elapsed(f.at)), "diamond", tone, str(f.number), title))
    return marks
