"""The interview as one time line to scrub through: what the replay's script needs, as numbers and text."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from pathlib import Path

from brownout.facts import Moment
from brownout.scorecard.document import Scorecard
from brownout.scorecard.strip import Strip, symptom_course

_SCRIPT = Path(__file__).with_name("templates") / "replay.js"


@lru_cache(maxsize=1)
def script() -> str:
    return _SCRIPT.read_text()


@lru_cache(maxsize=1)
def policy() -> str:
    """What the scorecard may do as a page: run this one script, and fetch nothing."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _at(moment: Moment | None) -> float | None:
    return None if moment is None or moment.elapsed is None else round(moment.elapsed, 1)


def data(card: Scorecard, strip: Strip) -> str:
    """JSON that can stand inside HTML: no `<` in it. Times are seconds of the interview, pauses left out."""
    items = [
        {
            "t": _at(item.at),
            "wall": round(item.at.wall, 1),
            "world": round(item.at.world, 1),
            "kind": item.kind,
            "actor": item.actor,
            "text": item.text,
            "tone": item.tone,
        }
        for item in card.machine.timeline
        if item.at.elapsed is not None and not (item.kind == "probe_changed" and item.tone == "neutral")
    ]
    told = {
        "end": strip.end,
        "left": strip.left,
        "right": strip.right,
        "items": items,
        "symptom": symptom_course(card),
        "faults": [
            {
                "title": fault.title,
                "control": fault.control,
                "found": _at(fault.found),
                "mitigated": _at(fault.mitigated),
                "fixed": _at(fault.fixed),
            }
            for fault in card.machine.faults
        ],
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c").replace("\u2028", "\\u2028")
