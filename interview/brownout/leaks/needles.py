"""What must not be told: ids, and any run of words out of titles, ground truth, hints and what confirms a finding.

Runs of words that the public platform says as well tell nothing, and are taken out.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from brownout.faults import Fault

WORD = re.compile(r"[a-z0-9_]+")
TITLE_RUN, SENTENCE_RUN = 3, 5
"""Words in a row that give a text away; a title is short, and made of the words that matter."""
HARNESS = ("brownout", "proctor")
"""Words that only the interviewer's side has. Arguments of its own processes are all that may carry them."""

Run = tuple[str, ...]


@dataclass(frozen=True)
class Needles:
    """`names`: single words, matched whole. `runs`: words in a row, with what they are taken from."""

    names: frozenset[str]
    runs: dict[Run, str] = field(default_factory=dict)

    def found(self, text: str) -> Iterator[tuple[str, str]]:
        """(what was said, what it belongs to) for each needle in the text, in any case, across line breaks."""
        words = WORD.findall(text.lower())
        for name in self.names.intersection(words):
            yield name, "an id"
        seen: set[Run] = set()
        for place, word in enumerate(words):
            for run in self._beginning.get(word, ()):
                if run not in seen and tuple(words[place : place + len(run)]) == run:
                    seen.add(run)
                    yield " ".join(run), self.runs[run]

    @cached_property
    def _beginning(self) -> dict[str, list[Run]]:
        """Runs by their first word."""
        found: dict[str, list[Run]] = {}
        for run in self.runs:
            found.setdefault(run[0], []).append(run)
        return found

    def without(self, words: Iterable[str]) -> Needles:
        """The same, not counting single words that may be said here."""
        return Needles(self.names - set(words), self.runs)


def needles_of(faults: Iterable[Fault], scenarios: Iterable[str], public: Iterable[str]) -> Needles:
    """`scenarios`: their ids; `public`: texts that everybody may read and that tell nothing."""
    runs: dict[Run, str] = {}
    names = set(HARNESS)
    for fault in faults:
        names.add(fault.id.lower())
        for text in _pieces(fault.title):
            runs.update(dict.fromkeys(_runs(text, TITLE_RUN), f"the title of {fault.id}"))
        for what, texts in _sentences(fault).items():
            for text in texts:
                for piece in _pieces(text):
                    for run in _runs(piece, SENTENCE_RUN):
                        runs.setdefault(run, f"{what} of {fault.id}")
    for text in public:
        words = WORD.findall(text.lower())
        for length in (TITLE_RUN, SENTENCE_RUN):
            for run in set(zip(*(words[i:] for i in range(length)), strict=False)) & runs.keys():
                del runs[run]
    runs.update({tuple(WORD.findall(name.lower())): "a scenario's id" for name in scenarios})
    return Needles(frozenset(names), runs)


def _sentences(fault: Fault) -> dict[str, tuple[str, ...]]:
    whens = (*fault.confirm_when, *fault.partial_when, *fault.refuse_when)
    return {
        "the ground truth": fault.truth,
        "a hint": fault.hints,
        "what must be noticed": fault.must_notice,
        "what confirms": tuple(text for when in whens for text in (when.says, *when.samples)),
        "why a wrong fix is wrong": tuple(w.why for w in fault.plan(fault.draw(0)).wrong_fixes),
    }


def _pieces(text: str) -> list[str]:
    """The text between its parameters."""
    return [piece for piece, *_ in string.Formatter().parse(text) if piece]


def _runs(text: str, length: int) -> Iterator[Run]:
    words = WORD.findall(text.lower())
    for i in range(len(words) - length + 1):
        yield tuple(words[i : i + length])
