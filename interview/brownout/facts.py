"""What a ledger says: state, times, findings, hints, timeline. Pure: the same entries give the same facts.

`found`, `mitigated` and `fixed` are separate and never merged. *Mitigated* is every symptom probe ok, *fixed* every
symptom and root-cause probe ok, in six consecutive answers over at least 200 answers of the world; both carry the
time of the change that brought it, and are withdrawn when a probe breaks again. `unknown` neither helps nor harms.

A control has no root cause, so that neither of the last two can happen to it; what can is *harm*: a guard that was ok
and broke. *Done* is fixed; for a control, found with nothing left worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from brownout import entries as e
from brownout.errors import LedgerError
from brownout.harms import Harm, harms
from brownout.ledger import Entry

CONSECUTIVE = 6
ANSWERS = 200
REPAIR_SHOWS_WITHIN_SECONDS = 300.0
"""A change counts as the repair when the first ok follows it within this time; pauses do not count."""

UNDOABLE = ("finding", "verdict", "hint", "note", "hand_over", "rated")

State = Literal["preparing", "ready", "running", "paused", "closed", "abandoned"]
STATES: tuple[State, ...] = ("preparing", "ready", "running", "paused", "closed", "abandoned")
Judge = Literal["interviewer", "suggestion"]
Tone = Literal["neutral", "good", "bad", "warning"]
_Verdicts = Literal["confirmed", "partial", "refused", "pending"]


class _Fact(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Moment(_Fact):
    """When something happened; `elapsed` is seconds of the interview without pauses, negative before the start."""

    wall: float
    world: float
    elapsed: float | None = Field(description="null while the interview has not started")
    seq: int
    why: str = ""


class ProbeFacts(_Fact):
    probe: str
    role: e.ProbeRole
    status: e.ProbeStatus
    why: str
    since: Moment
    answers: int
    held: bool = Field(description="the answer stands in six consecutive looks over at least 200 answers")


class HarmFacts(_Fact):
    """What was made worse: a guard that was ok at the start, from its first `broken` to its next `ok`."""

    probe: str
    at: Moment = Field(description="when it was first seen broken; `why` is what the guard said")
    change: Moment | None = Field(description="the change that it followed, when one is near; `why` names it")
    healed: Moment | None = Field(description="null while it is still worse than at the start")


class FaultFacts(_Fact):
    fault: str
    layer: str
    title: str
    control: bool = Field(default=False, description="nothing is broken: there is nothing to mitigate or to fix")
    injected: Moment | None = None
    symptom_observed: Moment | None = None
    found: Moment | None = None
    found_by: Judge | None = Field(default=None, description="whose word makes it found")
    mitigated: Moment | None = None
    fixed: Moment | None = None
    done: Moment | None = Field(default=None, description="fixed; of a control: found, with nothing left worse")
    harms: tuple[HarmFacts, ...] = Field(default=(), description="what was made worse, in the order of its breaking")
    probes: tuple[ProbeFacts, ...] = ()

    @property
    def left_worse(self) -> tuple[HarmFacts, ...]:
        """The harms that have not healed."""
        return tuple(harm for harm in self.harms if harm.healed is None)


class FindingFacts(_Fact):
    number: int
    actor: str
    at: Moment
    component: str
    failure_class: str
    certainty: e.Certainty
    text: str
    evidence: str
    repair: str
    verdict: _Verdicts
    judged_by: Judge | None
    fault: str | None
    reason: str
    suggested: e.VerdictWord | None


class HintFacts(_Fact):
    number: int
    fault: str
    text: str
    at: Moment


class NoteFacts(_Fact):
    seq: int
    actor: str
    text: str
    at: Moment


class RatingFacts(_Fact):
    rater: str
    dimension: str
    score: int
    why: str
    at: Moment


class EvidenceFacts(_Fact):
    """One look at a place where evidence stands."""

    source: str
    what: str
    asked: int
    at: Moment


class TimelineItem(_Fact):
    """One line of the story; `tone` is how it bears on the outcome."""

    at: Moment
    kind: str
    actor: str
    text: str
    tone: Tone = "neutral"
    subject: str = Field(default="", description="the probe or fault that it is about")


class Facts(_Fact):
    interview: str
    scenario: str
    title: str
    level: str
    seed: int
    candidate: str
    ai_policy: e.AiPolicy
    baseline: str
    brief: str
    pack: str
    pack_version: str
    secrecy: e.Secrecy
    versions: dict[str, str]
    time_box_minutes: float
    state: State
    watching: bool = Field(description="closed, and probes still look")
    watch_until: float | None = Field(description="wall second at which the looking ends")
    was_reset: bool
    frozen_at: float | None = Field(description="wall second since which everything stands still; null when it moves")
    preparation_seconds: float | None
    onset: tuple[float, float] | None = Field(description="(wall, world) of the first mutation")
    created: Moment
    started: Moment | None
    closed: Moment | None
    paused_seconds: float
    lost_seconds: float = Field(description="the part of the pauses that the harness itself caused")
    open_pause: Moment | None
    faults: tuple[FaultFacts, ...]
    findings: tuple[FindingFacts, ...]
    hints: tuple[HintFacts, ...]
    hints_known: int
    evidence: tuple[EvidenceFacts, ...] = Field(default=(), description="looks at places where evidence stands")
    hand_over: NoteFacts | None = Field(description="the candidate's last word to whoever is on call next")
    notes: tuple[NoteFacts, ...]
    ratings: tuple[RatingFacts, ...]
    raters: tuple[str, ...] = Field(default=(), description="who rates: those named beforehand, then those who did")
    raters_finished: tuple[str, ...] = Field(default=(), description="who is done rating")
    trouble: tuple[NoteFacts, ...]
    timeline: tuple[TimelineItem, ...]
    last_step: str
    failure: str
    pid: int = Field(description="process that prepared the interview")
    entries: int
    head: str

    def elapsed_at(self, wall: float) -> float:
        """Seconds of the time box used at wall second `wall`; stands still in pauses and after the close."""
        if self.started is None:
            return 0.0
        until = self.closed.wall if self.closed else self.open_pause.wall if self.open_pause else wall
        closed_pauses = self.paused_seconds
        return max(0.0, min(until, wall) - self.started.wall - closed_pauses)

    def left_at(self, wall: float) -> float:
        """Seconds of the time box left; negative when overdrawn."""
        return self.time_box_minutes * 60 - self.elapsed_at(wall)

    def evidence_counts(self) -> dict[str, int]:
        """Looks by source, most looked at first."""
        found = Counter(look.source for look in self.evidence)
        return dict(found.most_common())

    def finding_counts(self) -> dict[str, int]:
        """Conclusions by verdict; suspicions are never counted against anyone and count only when confirmed."""
        counts = {"confirmed": 0, "partial": 0, "refused": 0, "pending": 0}
        for finding in self.findings:
            if finding.certainty == "conclusion" or finding.verdict == "confirmed":
                counts[finding.verdict] += 1
        return counts


class _Pauses:
    """Intervals in which the interview stood still."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.started: float | None = None
        self.closed: tuple[tuple[float, float, bool], ...] = ()
        self.open: tuple[Entry, e.Paused] | None = None
        for entry in entries:
            if isinstance(entry.payload, e.Started) and self.started is None:
                self.started = entry.wall
            elif isinstance(entry.payload, e.Paused) and self.open is None:
                self.open = (entry, entry.payload)
            elif isinstance(entry.payload, e.Resumed | e.Closed) and self.open is not None:
                self.closed += ((self.open[0].wall, entry.wall, self.open[1].lost),)
                self.open = None

    def still(self, begin: float, end: float) -> float:
        spans = list(self.closed)
        if self.open is not None:
            spans.append((self.open[0].wall, float("inf"), False))
        return sum(max(0.0, min(end, b) - max(begin, a)) for a, b, _ in spans)

    def elapsed(self, wall: float) -> float | None:
        if self.started is None:
            return None
        if wall < self.started:
            return wall - self.started
        return wall - self.started - self.still(self.started, wall)


P = TypeVar("P", bound=e.Payload)


class _Seen(NamedTuple, Generic[P]):
    """An entry and its payload, typed."""

    entry: Entry
    payload: P


def _of_kind(entries: Iterable[Entry], kind: type[P]) -> Iterator[_Seen[P]]:
    for entry in entries:
        if isinstance(entry.payload, kind):
            yield _Seen(entry, entry.payload)


class _Runs:
    """The probes of one fault, followed entry by entry."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.latest: dict[str, _Seen[e.ProbeChanged]] = {}
        self.held: dict[str, _Seen[e.ProbeHeld]] = {}
        for entry in entries:
            match entry.payload:
                case e.ProbeChanged() as payload:
                    self.latest[payload.probe] = _Seen(entry, payload)
                    if payload.status == "broken":
                        self.held.pop(payload.probe, None)
                case e.ProbeHeld() as held if held.consecutive >= CONSECUTIVE and held.answers >= ANSWERS:
                    self.held.setdefault(held.probe, _Seen(entry, held))

    def all_ok(self, probes: Sequence[str]) -> _Seen[e.ProbeHeld] | None:
        """The run that began last when every probe holds ok, else None."""
        if not probes or any(probe not in self.held for probe in probes):
            return None
        return max((self.held[probe] for probe in probes), key=lambda run: run.payload.since_wall)


def _diagnoses(finding: FindingFacts) -> bool:
    return finding.verdict == "confirmed" and finding.certainty == "conclusion"


def _said(change: e.Change) -> str:
    return f"{change.what} {change.detail}".strip()


def _left_well(found: Moment | None, worse: Sequence[HarmFacts]) -> Moment | None:
    """When a control was done: found, and the last harm healed."""
    healed = [harm.healed for harm in worse]
    if found is None or any(moment is None for moment in healed):
        return None
    return max([found, *(moment for moment in healed if moment is not None)], key=lambda moment: moment.wall)


def derive(entries: Sequence[Entry]) -> Facts:
    """Raises `LedgerError` when the entries do not begin with `created`."""
    if not entries or not isinstance(entries[0].payload, e.Created):
        raise LedgerError("The ledger does not begin with 'created'. Its preparation died before its first step.")
    return _Derivation(entries).facts()


class _Derivation:
    def __init__(self, entries: Sequence[Entry]) -> None:
        undone = {x.payload.seq for x in entries if isinstance(x.payload, e.Undone)}
        self.everything = entries
        self.undone = {x.seq for x in entries if x.seq in undone and x.kind in UNDOABLE}
        self.entries = [x for x in entries if x.seq not in self.undone]
        created = entries[0].payload
        assert isinstance(created, e.Created)  # noqa: S101 - checked by derive
        self.created = created
        self.pauses = _Pauses(self.entries)

    def moment(self, entry: Entry, why: str = "") -> Moment:
        return Moment(
            wall=entry.wall, world=entry.world, elapsed=self.pauses.elapsed(entry.wall), seq=entry.seq, why=why
        )

    def first(self, kind: type[P]) -> _Seen[P] | None:
        return next(_of_kind(self.entries, kind), None)

    # -- state ---------------------------------------------------------------------------------------------------

    def state(self) -> State:
        state: State = "preparing"
        for entry in self.entries:
            match entry.payload:
                case e.Ready():
                    state = "ready"
                case e.Started() | e.Resumed():
                    state = "running"
                case e.Paused():
                    state = "paused"
                case e.Closed():
                    state = "closed"
                case e.Abandoned():
                    state = "abandoned" if state != "closed" else state
                case e.WasReset() if state != "closed":
                    state = "abandoned"
        return state

    def frozen(self) -> e.Frozen | None:
        """What still stands frozen."""
        if self.first(e.WasReset) is not None:
            return None
        last = next((x.payload for x in reversed(self.entries) if isinstance(x.payload, e.Frozen | e.Released)), None)
        return last if isinstance(last, e.Frozen) else None

    # -- findings ------------------------------------------------------------------------------------------------

    def findings(self) -> tuple[FindingFacts, ...]:
        verdicts = {seen.payload.finding: seen.payload for seen in _of_kind(self.entries, e.Verdict)}
        return tuple(
            self._finding(entry, finding, verdicts.get(finding.finding))
            for entry, finding in _of_kind(self.entries, e.Finding)
        )

    def _finding(self, entry: Entry, finding: e.Finding, verdict: e.Verdict | None) -> FindingFacts:
        judged: tuple[_Verdicts, Judge | None, str | None, str]
        if verdict is not None:
            judged = (verdict.verdict, "interviewer", verdict.fault, verdict.reason)
        elif finding.suggested is not None and finding.certainty == "conclusion":
            judged = (finding.suggested, "suggestion", finding.suggested_fault, finding.suggested_why)
        else:
            judged = ("pending", None, None, "")
        return FindingFacts(
            number=finding.finding,
            actor=entry.actor,
            at=self.moment(entry),
            component=finding.component,
            failure_class=finding.failure_class,
            certainty=finding.certainty,
            text=finding.text,
            evidence=finding.evidence,
            repair=finding.repair,
            verdict=judged[0],
            judged_by=judged[1],
            fault=judged[2],
            reason=judged[3],
            suggested=finding.suggested,
        )

    # -- faults --------------------------------------------------------------------------------------------------

    def faults(self, findings: Sequence[FindingFacts]) -> tuple[FaultFacts, ...]:
        return tuple(self._fault(record, findings) for record in self.created.faults)

    def _fault(self, record: e.FaultRecord, findings: Sequence[FindingFacts]) -> FaultFacts:
        named = [x for x in self.entries if getattr(x.payload, "fault", None) == record.fault]
        injected = next(_of_kind(named, e.Injected), None)
        observed = next(_of_kind(named, e.SymptomObserved), None)
        found = next((f for f in findings if f.fault == record.fault and _diagnoses(f)), None)
        runs = _Runs(named)
        both = (*record.symptom_probes, *record.root_cause_probes)
        by = found.at.model_copy(update={"why": found.reason}) if found else None
        mitigated = None if record.control else self._repaired(observed, runs.all_ok(record.symptom_probes))
        fixed = None if record.control else self._repaired(observed, runs.all_ok(both))
        worse = tuple(self._harm(harm) for harm in self._harms(record))
        return FaultFacts(
            fault=record.fault,
            layer=record.layer,
            title=record.title,
            control=record.control,
            injected=self.moment(injected.entry, injected.payload.what) if injected else None,
            symptom_observed=self.moment(observed.entry, observed.payload.why) if observed else None,
            found=by,
            found_by=found.judged_by if found else None,
            mitigated=mitigated,
            fixed=fixed,
            done=_left_well(by, worse) if record.control else fixed,
            harms=worse,
            probes=tuple(self._probe(seen, runs.held.get(name)) for name, seen in runs.latest.items()),
        )

    def _harms(self, record: e.FaultRecord) -> list[Harm]:
        def gap(since: float, until: float) -> float:
            return until - since - self.pauses.still(since, until)

        return harms(self.entries, record, gap, REPAIR_SHOWS_WITHIN_SECONDS)

    def _harm(self, harm: Harm) -> HarmFacts:
        change = harm.change.payload if harm.change else None
        return HarmFacts(
            probe=harm.probe,
            at=self.moment(harm.broken, harm.why),
            change=self.moment(harm.change, _said(change)) if harm.change and isinstance(change, e.Change) else None,
            healed=self.moment(harm.healed) if harm.healed else None,
        )

    def _probe(self, latest: _Seen[e.ProbeChanged], held: _Seen[e.ProbeHeld] | None) -> ProbeFacts:
        changed = latest.payload
        holds = held is not None and changed.status == "ok"
        return ProbeFacts(
            probe=changed.probe,
            role=changed.role,
            status=changed.status,
            why=held.payload.why if held and holds else changed.why,
            since=self.moment(latest.entry),
            answers=held.payload.answers if held and holds else changed.answers,
            held=holds,
        )

    def _repaired(self, observed: _Seen[e.SymptomObserved] | None, run: _Seen[e.ProbeHeld] | None) -> Moment | None:
        """When the change was made that the run of oks followed; its own first ok when no change is near."""
        if observed is None or run is None or run.payload.since_wall < observed.entry.wall:
            return None
        held = run.payload
        moment = Moment(
            wall=held.since_wall,
            world=held.since_world,
            elapsed=self.pauses.elapsed(held.since_wall),
            seq=run.entry.seq,
            why=f"{held.probe}: {held.why}",
        )
        changes = [
            seen
            for seen in _of_kind(self.entries, e.Change)
            if seen.payload.what != "silence" and observed.entry.wall <= seen.entry.wall <= held.since_wall
        ]
        if changes:
            entry, change = changes[-1]
            gap = held.since_wall - entry.wall - self.pauses.still(entry.wall, held.since_wall)
            if gap <= REPAIR_SHOWS_WITHIN_SECONDS:
                moment = self.moment(entry, _said(change))
        closed = self.first(e.Closed)
        return None if closed is not None and moment.wall > closed.entry.wall else moment

    # -- the rest ------------------------------------------------------------------------------------------------

    def notes(self, kind: type[e.Payload], text: str) -> tuple[NoteFacts, ...]:
        return tuple(
            NoteFacts(seq=x.seq, actor=x.actor, text=str(getattr(x.payload, text)), at=self.moment(x))
            for x in self.entries
            if isinstance(x.payload, kind)
        )

    def ratings(self) -> tuple[RatingFacts, ...]:
        latest: dict[tuple[str, str], RatingFacts] = {}
        for entry, rated in _of_kind(self.entries, e.Rated):
            latest[(rated.rater, rated.dimension)] = RatingFacts(
                rater=rated.rater,
                dimension=rated.dimension,
                score=rated.score,
                why=rated.why,
                at=self.moment(entry),
            )
        return tuple(latest.values())

    def finished(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(seen.payload.rater for seen in _of_kind(self.entries, e.RatingsFinished)))

    def hints(self) -> tuple[HintFacts, ...]:
        return tuple(
            HintFacts(number=hint.number, fault=hint.fault, text=hint.text, at=self.moment(entry))
            for entry, hint in _of_kind(self.entries, e.Hint)
        )

    def facts(self) -> Facts:
        created = self.created
        findings = self.findings()
        started, closed, ready = self.first(e.Started), self.first(e.Closed), self.first(e.Ready)
        abandoned, was_reset = self.first(e.Abandoned), self.first(e.WasReset) is not None
        steps = [seen.payload for seen in _of_kind(self.entries, e.Step)]
        frozen = self.frozen()
        return Facts(
            interview=created.interview,
            scenario=created.scenario,
            title=created.title,
            level=created.level,
            seed=created.seed,
            candidate=created.candidate,
            ai_policy=created.ai_policy,
            baseline=created.baseline,
            brief=started.payload.brief if started else ready.payload.brief if ready else "",
            pack=created.pack,
            pack_version=created.pack_version,
            secrecy=created.secrecy,
            versions=created.versions,
            time_box_minutes=created.time_box_minutes,
            state=self.state(),
            watching=closed is not None and not was_reset and self.first(e.WatchEnded) is None,
            watch_until=closed.entry.wall + closed.payload.watch_seconds if closed else None,
            was_reset=was_reset,
            frozen_at=frozen.frozen_wall if frozen else None,
            onset=(ready.payload.onset_wall, ready.payload.onset_world) if ready else None,
            preparation_seconds=ready.payload.seconds if ready else None,
            created=self.moment(self.everything[0]),
            started=self.moment(started.entry) if started else None,
            closed=self.moment(closed.entry, closed.payload.reason) if closed else None,
            paused_seconds=sum(b - a for a, b, _ in self.pauses.closed),
            lost_seconds=sum(b - a for a, b, lost in self.pauses.closed if lost),
            open_pause=self.moment(self.pauses.open[0], self.pauses.open[1].reason) if self.pauses.open else None,
            faults=self.faults(findings),
            findings=findings,
            hints=self.hints(),
            hints_known=sum(len(fault.hints) for fault in created.faults),
            evidence=tuple(
                EvidenceFacts(source=seen.source, what=seen.what, asked=seen.asked, at=self.moment(entry))
                for entry, seen in _of_kind(self.entries, e.Consulted)
            ),
            hand_over=next(reversed(self.notes(e.HandOver, "text")), None),
            notes=self.notes(e.Note, "text"),
            ratings=self.ratings(),
            raters=tuple(dict.fromkeys((*created.raters, *(r.rater for r in self.ratings()), *self.finished()))),
            raters_finished=self.finished(),
            trouble=self.notes(e.HarnessTrouble, "what"),
            timeline=tuple(self.timeline()),
            last_step=f"{steps[-1].name} {steps[-1].status}" if steps else "",
            failure=abandoned.payload.reason if abandoned else "",
            pid=created.pid,
            entries=len(self.everything),
            head=self.everything[-1].hash,
        )

    def timeline(self) -> Iterable[TimelineItem]:
        for entry in self.everything:
            told = _tell(entry.payload)
            if told is None:
                continue
            text, tone = told
            if entry.seq in self.undone:
                text, tone = f"{text} (undone)", "neutral"
            about = getattr(entry.payload, "probe", "") or getattr(entry.payload, "fault", "") or ""
            yield TimelineItem(
                at=self.moment(entry), kind=entry.kind, actor=entry.actor, text=text, tone=tone, subject=about
            )


_PROBE_TONES: dict[e.ProbeStatus, Tone] = {"ok": "good", "broken": "bad", "unknown": "neutral"}
_VERDICT_TONES: dict[e.VerdictWord, Tone] = {"confirmed": "good", "partial": "warning", "refused": "bad"}


def _tell(payload: e.Payload) -> tuple[str, Tone] | None:
    """One line about an entry, or None when it is no part of the story."""
    match payload:
        case e.Created():
            return f"Interview created: {payload.scenario}, seed {payload.seed}", "neutral"
        case e.Injected():
            return f"Injected {payload.fault}: {payload.what}", "bad"
        case e.SymptomObserved():
            return f"Symptom of {payload.fault} observed by {payload.probe}: {payload.why}", "bad"
        case e.Ready():
            return f"Ready after {payload.seconds:.0f} s of preparation", "neutral"
        case e.Started():
            return "Started", "neutral"
        case e.Paused():
            return f"Paused: {payload.reason}", "warning"
        case e.Resumed():
            return "Resumed", "neutral"
        case e.Closed():
            return f"Closed: {payload.reason}", "neutral"
        case e.Abandoned():
            return f"Abandoned: {payload.reason}", "warning"
        case e.Change():
            return f"{payload.what.replace('_', ' ').capitalize()}: {payload.detail}", "neutral"
        case e.ProbeChanged():
            guard = "Guard " if payload.role == "guard" else ""
            return f"{guard}{payload.probe} is {payload.status}: {payload.why}", _PROBE_TONES[payload.status]
        case e.Consulted():
            return f"Looked at {payload.source.replace('_', ' ')}: {payload.what}", "neutral"
        case e.ProbeHeld():
            return f"{payload.probe} held ok {payload.consecutive} times over {payload.answers} answers", "good"
        case e.Finding():
            stated = f"{payload.component} / {payload.failure_class}: {payload.text}"
            return f"{payload.certainty.capitalize()} {payload.finding}: {stated}", "neutral"
        case e.Verdict():
            return f"Finding {payload.finding} {payload.verdict}: {payload.reason}", _VERDICT_TONES[payload.verdict]
        case e.Hint():
            return f"Hint {payload.number}: {payload.text}", "warning"
        case e.HandOver():
            return f"Hand-over note: {payload.text}", "neutral"
        case e.HarnessTrouble():
            return f"Harness: {payload.part}: {payload.what}", "warning"
        case e.Undone():
            return f"Entry {payload.seq} undone: {payload.reason}", "neutral"
    return None
