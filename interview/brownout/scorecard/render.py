"""One document, three forms: HTML that prints, JSON, Markdown. Free text is escaped in each."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from brownout import entries as e
from brownout.facts import TimelineItem
from brownout.interview import Interview
from brownout.scorecard import document, replay
from brownout.scorecard.document import Scorecard
from brownout.scorecard.strip import strip
from ontime.contract import NEW_YORK
from ontime.files import replace_text

Form = Literal["html", "json", "md"]
FORMS: tuple[Form, ...] = ("html", "json", "md")
_TEMPLATES = Path(__file__).with_name("templates")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")


def duration(seconds: float | None) -> str:
    """`12:34`, or `1:02:03` from an hour on; a dash for nothing."""
    if seconds is None:
        return "–"
    whole = round(abs(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    sign = "−" if seconds < 0 and whole else ""
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"


def wall_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def world_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, ZoneInfo(NEW_YORK)):%a %d %b %H:%M}"


def markdown(text: object) -> str:
    """Text that Markdown and HTML leave alone, on one line."""
    line = " ".join(str(text).split())
    safe = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", safe)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(duration=duration, wall=wall_time, world=world_time)
    made.filters["plain"] = markdown
    return made


def as_text(card: Scorecard, form: Form) -> str:
    """The same document gives the same text."""
    if form == "json":
        return json.dumps(card.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    template = _templates().get_template(f"scorecard.{form}.j2")
    drawn = strip(card)
    return template.render(
        card=card,
        strip=drawn,
        shown=_shown(card),
        short=_short(card),
        on_paper=_on_paper(card),
        policy=replay.policy(),
        script=Markup(replay.script()),  # noqa: S704 - ours
        replay=Markup(replay.data(card, drawn)) if drawn else "",  # noqa: S704 - holds no `<`
    )


def _shown(card: Scorecard) -> list[TimelineItem]:
    """The timeline from the injection on, without probes that only say `unknown`."""
    return [i for i in card.machine.timeline if not (i.kind == "probe_changed" and i.tone == "neutral")]


STORY = ("started", "paused", "resumed", "finding", "verdict", "hint", "change", "hand_over", "closed", "undone")
PRINTED = 16
PRINTED_FINDINGS = 6


def _short(card: Scorecard) -> list[TimelineItem]:
    """What people and the platform did, for the second printed page: the last ones when there are many."""
    told = [i for i in card.machine.timeline if i.kind in STORY]
    return told[-PRINTED:]


def _on_paper(card: Scorecard) -> frozenset[int]:
    """Numbers of the findings that fit on the first printed page: confirmed ones, then the last."""
    ranked = sorted(
        card.machine.findings,
        key=lambda f: (f.verdict == "confirmed", f.certainty == "conclusion", f.number),
        reverse=True,
    )
    return frozenset(finding.number for finding in ranked[:PRINTED_FINDINGS])


def write(interview: Interview) -> dict[str, Path]:
    """Writes all forms beside the ledger and notes their hashes in it. Returns the files by form."""
    card = document.of(interview.facts())
    files: dict[str, Path] = {}
    hashes: dict[str, str] = {}
    for form in FORMS:
        text = as_text(card, form)
        path = interview.folder / f"scorecard.{form}"
        replace_text(path, text)
        files[form] = path
        hashes[path.name] = hashlib.sha256(text.encode()).hexdigest()
    noted = e.ScorecardWritten(head=card.ledger.head, entries=card.ledger.entries, files=hashes)
    interview.add("harness", noted)
    return files
