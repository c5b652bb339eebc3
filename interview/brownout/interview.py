"""One interview: its directory, its ledger, and everything that people add to it.

These verbs touch the ledger alone; what moves the stack is in `brownout.lifecycle`.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from brownout import entries as e
from brownout import findings
from brownout.baselines import present
from brownout.errors import LedgerError, LifecycleError
from brownout.facts import UNDOABLE, Facts, derive
from brownout.ledger import Entry, Ledger
from brownout.rubric import dimensions
from brownout.settings import Harness
from ontime.clock import Clock
from ontime.errors import UnknownNameError
from ontime.files import replace_text

CODE_LIVES_SECONDS = 8 * 3600.0
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Access:
    """What lets a candidate in: worth nothing after `expires` (wall seconds)."""

    code: str
    expires: float


class Interview:
    """A handle on one interview. Cheap: it holds no state of its own."""

    def __init__(self, harness: Harness, interview_id: str) -> None:
        """Raises `UnknownNameError` with the nearest ids, `LedgerError` when its ledger cannot be read."""
        self.id = interview_id
        self.harness = harness
        self.folder = harness.interviews / interview_id
        if interview_id not in known_ids(harness):
            raise UnknownNameError.of("interview", interview_id, known_ids(harness))
        self.ledger = Ledger(self.folder / "ledger.db")
        self._clock = Clock(harness.world / "clock.json")

    @classmethod
    def create(cls, harness: Harness, created: e.Created) -> Interview:
        """Makes the directory and the ledger with its first entry, and makes it the current interview."""
        folder = harness.interviews / created.interview
        folder.mkdir(parents=True, mode=0o700)
        Ledger.create(folder / "ledger.db")
        interview = cls(harness, created.interview)
        interview.ledger.append("harness", created, world=present(created.baseline).timestamp())
        replace_text(harness.interviews / "current", created.interview)
        return interview

    def facts(self) -> Facts:
        return derive(self.ledger.entries())

    def world(self) -> float:
        """World time as Unix seconds, by the world's own clock; the baseline's present while no world has begun."""
        if not (self.harness.world / "clock.json").exists():
            return present(self.created.baseline).timestamp()
        return self._clock.world_seconds()

    def add(self, actor: e.Actor, payload: e.Payload) -> Entry:
        """Appends an entry at the present world time."""
        return self.ledger.append(actor, payload, world=self.world())

    def decide(self, actor: e.Actor, decision: Callable[[tuple[Entry, ...]], e.Payload]) -> Entry:
        """Appends what `decision` makes of all entries so far, with nobody adding one in between."""
        return self.ledger.decide(actor, decision, world=self.world())

    def advance(self, actor: e.Actor, what: str, payload: e.Payload, *states: str) -> Entry:
        """Appends `payload` when the interview is in one of `states`. Raises `LifecycleError` otherwise."""

        def allowed(entries: tuple[Entry, ...]) -> e.Payload:
            self.require(derive(entries), what, *states)
            return payload

        return self.decide(actor, allowed)

    # -- what the candidate and the interviewer say -----------------------------------------------------------------

    def state_finding(
        self,
        actor: e.Actor,
        component: str,
        failure_class: str,
        text: str,
        certainty: e.Certainty = "conclusion",
        evidence: str = "",
        repair: str = "",
    ) -> e.Finding:
        """Records a finding while the interview runs or is paused. Raises `FindingError`, `LifecycleError`."""
        faults = self.created.faults

        def stated(entries: tuple[Entry, ...]) -> e.Finding:
            self.require(derive(entries), "take a finding", "running", "paused")
            number = 1 + sum(isinstance(entry.payload, e.Finding) for entry in entries)
            return findings.make(number, faults, component, failure_class, text, certainty, evidence, repair)

        finding = self.decide(actor, stated).payload
        assert isinstance(finding, e.Finding)  # noqa: S101 - what `stated` made
        return finding

    def judge(self, number: int, verdict: e.VerdictWord, reason: str, fault: str | None = None) -> e.Verdict:
        """The interviewer's word on a finding; a later one replaces it. `fault` may stay away when only one fits."""
        facts = self.facts()
        numbers = [str(f.number) for f in facts.findings]
        if str(number) not in numbers:
            raise UnknownNameError.of("finding", str(number), numbers)
        if not reason.strip():
            raise LifecycleError(f"The verdict on finding {number} has no reason. Say why in a sentence.")
        suggested = next(f.fault for f in facts.findings if f.number == number)
        known = {f.fault for f in facts.faults}
        if fault is not None and fault not in known:
            raise UnknownNameError.of("fault of this interview", fault, known)
        chosen = fault or suggested or (next(iter(known)) if len(known) == 1 else None)
        if verdict != "refused" and known and chosen is None:
            raise LifecycleError(f"Finding {number} fits {len(known)} faults: name one of {', '.join(sorted(known))}.")
        judged = e.Verdict.of(
            finding=number, verdict=verdict, fault=None if verdict == "refused" else chosen, reason=reason.strip()
        )
        self.add("interviewer", judged)
        return judged

    def next_hint(self, actor: e.Actor) -> e.Hint:
        """Hands out the next scripted hint: of the first fault not yet found. Raises `LifecycleError` at the end."""
        hint = self.decide(actor, self._climb).payload
        assert isinstance(hint, e.Hint)  # noqa: S101 - what `_climb` made
        return hint

    def _climb(self, entries: tuple[Entry, ...]) -> e.Hint:
        facts = derive(entries)
        self.require(facts, "hand out a hint", "running", "paused")
        given = {(hint.fault, hint.text) for hint in facts.hints}
        found = {fault.fault for fault in facts.faults if fault.found is not None}
        for fault in sorted(self.created.faults, key=lambda fault: fault.fault in found):
            for text in fault.hints:
                if (fault.fault, text) not in given:
                    return e.Hint(number=len(facts.hints) + 1, fault=fault.fault, text=text)
        raise LifecycleError(f"All {len(given)} hints have been given. What remains is your own help, as a note.")

    def note(self, text: str) -> Entry:
        if not text.strip():
            raise LifecycleError("The note is empty. Write what you saw or thought.")
        return self.add("interviewer", e.Note.of(text=text.strip()))

    def hand_over(self, actor: e.Actor, text: str) -> Entry:
        """What the candidate leaves behind, while the interview runs or is paused. A later one replaces it."""
        if not text.strip():
            raise LifecycleError("The hand-over note is empty. Write what the next person on call must know.")
        return self.advance(actor, "take a hand-over note", e.HandOver.of(text=text.strip()), "running", "paused")

    def rate(self, rater: str, dimension: str, score: int, why: str = "") -> Entry:
        """One dimension of the rubric, 1 to 5. Allowed from the start on; ratings belong before the scorecard."""
        known = dimensions()
        if dimension not in known:
            raise UnknownNameError.of("dimension", dimension, known)
        if not 1 <= score <= 5:
            raise LifecycleError(f"Score {score} for {dimension!r} is outside 1 to 5. See interview/guide/rubric.yaml.")
        self.require(self.facts(), "be rated", "running", "paused", "closed")
        return self.add("interviewer", e.Rated.of(rater=rater, dimension=dimension, score=score, why=why))

    def finish_ratings(self, rater: str) -> Entry:
        """`rater` is done. Raises `LifecycleError` before the close, or when they rated nothing."""
        facts = self.facts()
        self.require(facts, "be done with ratings", "closed")
        if not any(rating.rater == rater for rating in facts.ratings):
            raise LifecycleError(f"{rater!r} has rated nothing yet. Rate at least one dimension of the rubric.")
        return self.add("interviewer", e.RatingsFinished.of(rater=rater))

    def undo(self, seq: int, reason: str) -> Entry:
        """Compensates an entry that people added; it stays in the ledger and no longer counts."""
        entry = next((x for x in self.ledger.entries() if x.seq == seq), None)
        if entry is None or entry.kind not in UNDOABLE:
            what = "does not exist" if entry is None else f"is of kind {entry.kind!r}"
            raise LifecycleError(f"Entry {seq} {what} and cannot be undone. Only {', '.join(UNDOABLE)} can.")
        if not reason.strip():
            raise LifecycleError(f"Undoing entry {seq} needs a reason.")
        return self.add("interviewer", e.Undone.of(seq=seq, reason=reason.strip()))

    # -- what is known ----------------------------------------------------------------------------------------------

    @property
    def created(self) -> e.Created:
        first = self.ledger.entries()[:1]
        if not first or not isinstance(first[0].payload, e.Created):
            raise LedgerError(
                f"The ledger of {self.id} does not begin with 'created'. `brownout reset` clears it away."
            )
        return first[0].payload

    def require(self, facts: Facts, what: str, *states: str) -> None:
        """Raises `LifecycleError` with the remedy unless the state is one of `states`."""
        if facts.state not in states:
            raise LifecycleError(
                f"Interview {self.id} is {facts.state} and cannot {what}. "
                f"Expected it to be {' or '.join(states)}; {REMEDIES.get(facts.state, 'see `brownout status`')}."
            )

    # -- the candidate's code ---------------------------------------------------------------------------------------

    def grant_access(self) -> Access:
        """A fresh code for the candidate, replacing any other."""
        parts = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
        access = Access("-".join(parts), time.time() + CODE_LIVES_SECONDS)
        told = json.dumps({"code": access.code, "expires": access.expires})
        replace_text(self.folder / "access.json", told, mode=0o600)
        return access

    def access(self) -> Access | None:
        """The candidate's code, or None when there is none or it has expired."""
        try:
            raw = json.loads((self.folder / "access.json").read_text())
            access = Access(str(raw["code"]), float(raw["expires"]))
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return access if time.time() < access.expires else None

    def end_access(self) -> None:
        (self.folder / "access.json").unlink(missing_ok=True)


REMEDIES = {
    "preparing": "wait for the preparation, or `brownout reset` when it died",
    "ready": "`brownout start` begins it",
    "paused": "`brownout resume` goes on",
    "closed": "`brownout interview SCENARIO` prepares another",
    "abandoned": "`brownout interview SCENARIO` prepares another",
}


def known_ids(harness: Harness) -> list[str]:
    """All interviews with a ledger, oldest first."""
    ledgers = harness.interviews.glob("*/ledger.db") if harness.interviews.is_dir() else ()
    return [path.parent.name for path in sorted(ledgers, key=lambda path: path.stat().st_ctime_ns)]


def current(harness: Harness) -> Interview | None:
    """The interview that the stack stands for, or None when there has been none."""
    try:
        return Interview(harness, (harness.interviews / "current").read_text().strip())
    except (FileNotFoundError, UnknownNameError):
        return None


def the_ledger(harness: Harness) -> Path:
    """The current interview's ledger file, whether or not it can be read. Raises `LifecycleError`."""
    try:
        return harness.interviews / (harness.interviews / "current").read_text().strip() / "ledger.db"
    except FileNotFoundError as error:
        raise LifecycleError("There is no interview. `brownout interview SCENARIO` prepares one.") from error


def the_current(harness: Harness) -> Interview:
    """As `current`. Raises `LifecycleError` when there is none."""
    interview = current(harness)
    if interview is None:
        raise LifecycleError("There is no interview. `brownout interview SCENARIO` prepares one.")
    return interview


def new_id() -> str:
    """Neutral: a day and four letters, nothing about scenario or candidate."""
    return time.strftime("%Y%m%d", time.gmtime()) + "-" + "".join(secrets.choice(_ALPHABET) for _ in range(5))
