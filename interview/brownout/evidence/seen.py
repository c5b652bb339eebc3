"""One thing that was seen to be looked at, and what notices such things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """`source` is a word of `brownout.faults.vocabulary.EVIDENCE_SOURCES`; `what` says how it was noticed."""

    source: str
    what: str
    times: int = 1


class Noticer(Protocol):
    """Notices looks of one kind. The first `look` finds nothing: it is where the interview begins."""

    def look(self) -> Iterable[Seen]: ...

    def stop(self) -> None: ...
