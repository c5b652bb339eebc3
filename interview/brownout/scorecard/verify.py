"""Checks a scorecard against its ledger: the chain is whole, the head is in it, and the ledger still tells the same."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from brownout import ledger
from brownout.errors import LedgerError, ScorecardError
from brownout.facts import derive
from brownout.interview import known_ids
from brownout.scorecard import document, render
from brownout.settings import Harness
from ontime.errors import UnknownNameError

_MARK = re.compile(r"brownout-scorecard-1 interview=(\S+) entries=(\d+) head=([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Checked:
    """`differences` is empty when the scorecard is what the ledger says."""

    interview: str
    entries: int
    differences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.differences


def verify(path: Path, harness: Harness) -> Checked:
    """Raises `ScorecardError` when the file is no scorecard, `UnknownNameError` when its ledger is not here."""
    text = _text(path)
    form: render.Form = "html" if path.suffix == ".html" else "md" if path.suffix == ".md" else "json"
    interview, entries, head = _mark(path, text, form)
    if interview not in known_ids(harness):
        raise UnknownNameError.of("interview", interview, known_ids(harness))
    file = harness.interviews / interview / "ledger.db"
    chain = ledger.verify(file)
    differences = [f"ledger entry {p.seq}: {p.what}" if p.seq else f"ledger: {p.what}" for p in chain.problems]
    whole = ledger.salvage(file)
    if len(whole) < entries:
        differences.append(f"the ledger has {len(whole)} whole entries; the scorecard was made from {entries}")
    elif whole[entries - 1].hash != head:
        differences.append(f"entry {entries} of the ledger is not the one that the scorecard names as its head")
    else:
        differences += _compare(text, form, whole[:entries])
    return Checked(interview, entries, tuple(differences))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError as error:
        raise ScorecardError(f"There is no file {path}. `brownout scorecard` says where they are.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ScorecardError(f"{path} cannot be read as a scorecard: {error}") from error


def _mark(path: Path, text: str, form: render.Form) -> tuple[str, int, str]:
    if form == "json":
        try:
            card = document.Scorecard.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the document"
            raise ScorecardError(f"{path} is not a scorecard: {where}: {first['msg']}") from error
        return card.about.interview, card.ledger.entries, card.ledger.head
    found = _MARK.search(text)
    if found is None:
        raise ScorecardError(f"{path} is not a scorecard: it does not name its interview and ledger head.")
    return found[1], int(found[2]), found[3]


def _compare(text: str, form: render.Form, entries: tuple[ledger.Entry, ...]) -> list[str]:
    try:
        card = document.of(derive(entries))
    except LedgerError as error:
        return [str(error)]
    expected = render.as_text(card, form)
    if form == "json":
        return list(_differing("", json.loads(expected), json.loads(text)))
    if text != expected:
        line = next(
            (n for n, (a, b) in enumerate(zip(text.splitlines(), expected.splitlines(), strict=False), 1) if a != b), 0
        )
        return [f"line {line} says something else than the ledger"]
    return []


def _differing(where: str, expected: object, received: object) -> list[str]:
    if isinstance(expected, dict) and isinstance(received, dict):
        keys = sorted(expected.keys() | received.keys())
        return [
            d for key in keys for d in _differing(f"{where}.{key}".lstrip("."), expected.get(key), received.get(key))
        ]
    if isinstance(expected, list) and isinstance(received, list) and len(expected) == len(received):
        return [
            d for n, (a, b) in enumerate(zip(expected, received, strict=True)) for d in _differing(f"{where}.{n}", a, b)
        ]
    return [] if expected == received else [f"{where}: the ledger says {expected!r}, the scorecard {received!r}"]
