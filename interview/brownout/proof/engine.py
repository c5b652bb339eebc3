"""The steps of a proof, on any stage: what has to come, what is dishonest when it does not, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from brownout.facts import CONSECUTIVE
from brownout.faults import Fault, Plan
from brownout.faults.model import Attempt, Repair, WrongFix
from brownout.faults.parameters import Value
from brownout.probes import ProbeResult
from brownout.proof.kept import Kept
from brownout.proof.rows import PREPARATION, Dishonest, Kind, Row
from brownout.proof.watch import Watch
from brownout.quiet.verdict import Verdict
from brownout.quiet.windows import COUNT

Tell = Callable[[str, str, str], None]

LOOK_SECONDS = 3.0
"""Wall time between looks: shorter than the proctor's, since nobody waits for anything else meanwhile."""
HEALTHY_SECONDS = 150.0
STEADY = 2
"""Looks in a row in which the symptom is broken before it counts as observed."""
BROKEN_SECONDS = 150.0
FIXED_SECONDS = 300.0
WRONG_SECONDS = 150.0
"""Wall time for which a wrong fix is watched at most: long enough for what only hides the cause to come back."""
CONVICTED_AFTER_SECONDS = 30.0
SLOWER_THAN_A_REPAIR = 1.25
"""A wrong fix is convicted by what is broken after this many times the time in which a true repair was clean."""
SHORT_WINDOWS = 4
"""Healthy windows that a short proof looks at."""
SILENT_LOOKS = 12
"""Looks without any judgement after which a cheat that silences everything has been watched for long enough."""


class ProofStage(Protocol):
    """What a proof needs of a stack; `brownout.proof.real_stage.RealProofStage` is the real one."""

    def restore(self) -> list[str]:
        """Puts the baseline's files in place; nothing runs. Returns the files that differ from it all the same."""

    def start(self) -> None:
        """Starts platform and world and waits for a first prediction."""

    def measure(self) -> None:
        """Captures what is healthy on this machine: what probes compare with."""

    def inject(self) -> None:
        """Makes the workspace, deploys it, and puts the fault in."""

    def look(self) -> Mapping[str, ProbeResult]:
        """One run of every probe of the plan, by name."""

    def answers(self) -> int:
        """Number of the newest answer in the world's record."""

    def changed(self) -> None:
        """Only what happens from now on is judged."""

    def quiet(self, windows: int) -> Verdict:
        """What the symptom's probe says in so many healthy windows, as far as it can be looked at without a stack."""

    def weak(self) -> str:
        """Why this machine shows the fault too faintly to be judged; empty when it shows it."""

    def leaks(self) -> list[str]:
        """Places in a candidate's reach that name what was put in."""

    def snapshot(self) -> None:
        """Keeps the broken state; everything runs again afterwards."""

    def has_snapshot(self) -> bool:
        """Whether the broken state was kept whole before an interruption."""

    def restore_broken(self) -> None:
        """Puts the kept broken state back and starts everything."""

    def forget_snapshot(self) -> None: ...

    def play(self, attempt: Attempt) -> None: ...

    def unequal(self) -> list[str]:
        """After a restore: starts what is needed to see rows, aliases and HEAD; returns what is not the baseline's."""


class Proof:
    """One fault with one draw of its parameters. `limit`: so many solutions and so many wrong fixes; all when None."""

    def __init__(
        self,
        fault: Fault,
        parameters: Mapping[str, Value],
        stage: ProofStage,
        kept: Kept,
        tell: Tell,
        limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.fault = fault
        self.plan: Plan = fault.plan(parameters)
        self.rows: list[Row] = []
        self._stage = stage
        self._kept = kept
        self._tell = tell
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._phases: dict[str, float] = {}
        self._figures: dict[str, float] = {}

    # -- the whole --------------------------------------------------------------------------------------------------

    def run(self) -> list[Row]:
        """Every step that has no kept result; rows of all. Stops at the first dishonest one of the preparation."""
        kept = self._kept.rows()
        attempts = self.attempts()
        wanted = [*PREPARATION, *(attempt.name for attempt in attempts), "reset"]
        if all(step in kept for step in wanted):
            self.rows = [kept[step] for step in wanted]
            return self.rows
        if not self._prepared(kept):
            return self.rows
        fresh = True
        for attempt in attempts:
            if attempt.name in kept:
                self.rows.append(kept[attempt.name])
                continue
            row = self._note(attempt.name, kind_of(self.plan, attempt), partial(self._attempted, attempt, fresh))
            fresh = isinstance(attempt, WrongFix) and attempt.spares and row.outcome == "proved"
        self._note("reset", "reset", self._reset)
        if not self.dishonest:
            self._stage.forget_snapshot()
        return self.rows

    @property
    def dishonest(self) -> list[Row]:
        return [row for row in self.rows if row.outcome == "dishonest"]

    def attempts(self) -> list[Attempt]:
        """Repairs first, since they tell how long one takes; then wrong fixes that leave the broken state as it is."""
        repairs = [*self.plan.solutions, *self.plan.valid_fixes][: self._limit]
        wrong = sorted(self.plan.wrong_fixes, key=lambda w: not w.spares)[: self._limit]
        return [*repairs, *wrong]

    def _prepared(self, kept: Mapping[str, Row]) -> bool:
        """Leads to the broken state: from its snapshot when there is one, else from the baseline."""
        if self._stage.has_snapshot() and all(step in kept for step in PREPARATION):
            self.rows += [kept[step] for step in PREPARATION]
            self._tell("broken state", "started", "kept from before the interruption")
            self._stage.restore_broken()
            self._tell("broken state", "done", "kept from before the interruption")
            return True
        steps: tuple[tuple[Kind, Callable[[], str]], ...] = (
            ("healthy", self._healthy),
            ("symptom", self._injected),
            ("leaks", self._unnamed),
        )
        return all(self._note(kind, kind, prove).outcome == "proved" for kind, prove in steps)

    def _note(self, step: str, kind: Kind, prove: Callable[[], str]) -> Row:
        """Runs one step; an error of the stack is not the fault's dishonesty and ends the proof."""
        self._phases, self._figures = {}, {}
        begun = self._clock()
        self._tell(step, "started", self.fault.id)
        try:
            outcome, why = "proved", prove()
        except Dishonest as verdict:
            outcome, why = "dishonest", str(verdict)
        except BaseException as error:
            self._tell(step, "failed", f"not proved: {error or type(error).__name__}")
            raise
        row = Row(
            step=step,
            kind=kind,
            outcome="proved" if outcome == "proved" else "dishonest",
            why=why,
            seconds=round(self._clock() - begun, 1),
            phases={name: round(seconds, 1) for name, seconds in self._phases.items()},
            figures=dict(self._figures),
            wall=time.time(),
        )
        self.rows.append(row)
        self._kept.add(row)
        self._tell(step, "done" if row.outcome == "proved" else "failed", f"{row.outcome}: {why}")
        return row

    # -- steps ------------------------------------------------------------------------------------------------------

    def _healthy(self) -> str:
        with self._phase("restore"):
            different = self._stage.restore()
        if different:
            raise Dishonest(
                f"The restore is dishonest: {len(different)} files differ from the baseline: {different[:3]}"
            )
        with self._phase("quiet windows"):
            quiet = self._stage.quiet(COUNT if self._limit is None else SHORT_WINDOWS)
        if quiet.red:
            raise Dishonest(f"The probe {quiet.probe} is dishonest: nothing was put in, and {quiet}")
        with self._phase("start"):
            self._stage.start()
        with self._phase("healthy"):
            self._stage.measure()
            watch = self._look(HEALTHY_SECONDS, self._settled)
        for name, result in watch.last.items():
            if result.status == "broken":
                raise Dishonest(f"The probe {name} is dishonest: it calls a healthy stack broken: {result.why}")
        if watch.last[self.plan.symptom.name].status != "ok":
            raise Dishonest(
                f"The probe {self.plan.symptom.name} is dishonest: it cannot tell a healthy stack from a broken one, "
                f"having looked for {HEALTHY_SECONDS:.0f} s: {watch.said()}"
            )
        self._figures["quiet_windows"] = quiet.covered
        return f"{quiet}; {watch.said()}"

    def _settled(self, watch: Watch) -> bool:
        return any(r.status == "broken" for r in watch.last.values()) or len(watch.eased) == len(self.plan.probes)

    def _injected(self) -> str:
        with self._phase("inject"):
            self._stage.inject()
        symptom, budget = self.plan.symptom.name, self.fault.symptom_budget_seconds
        with self._phase("symptom"):
            watch = self._look(budget, lambda w: w.broken[symptom] >= STEADY and not self._stage.weak())
        if watch.broken[symptom] < STEADY:
            raise Dishonest(
                f"The fault {self.fault.id} is dishonest: its symptom was not observed within {budget:.0f} s: "
                f"{watch.said()}"
            )
        measured = watch.last[symptom].measured
        self._figures = {f"symptom_{name}": round(value, 4) for name, value in measured.items()}
        self._figures["symptom_seconds"] = round(watch.seconds, 1)
        if weak := self._stage.weak():
            raise Dishonest(f"The fault {self.fault.id} cannot be shown on this machine: {weak}")
        if roots := [probe.name for probe in self.plan.root_cause]:
            with self._phase("root cause"):
                watch = self._look(BROKEN_SECONDS, lambda w: any(w.broken[name] >= STEADY for name in roots))
            if not any(watch.broken[name] >= STEADY for name in roots):
                raise Dishonest(
                    f"The fault {self.fault.id} is dishonest: it is in, and no root-cause probe is broken: "
                    f"{watch.said()}"
                )
        if hurt := [probe.name for probe in self.plan.guards if watch.broken[probe.name] >= STEADY]:
            raise Dishonest(
                f"The fault {self.fault.id} is dishonest: it breaks {hurt[0]}, which it declares to be well: "
                f"{watch.last[hurt[0]].why}"
            )
        return f"observed after {self._figures['symptom_seconds']:.0f} s; {watch.said()}"

    def _unnamed(self) -> str:
        with self._phase("leaks"):
            found = self._stage.leaks()
        if found:
            raise Dishonest(
                f"The fault {self.fault.id} is told to whoever looks: {len(found)} places name it, first {found[0]}"
            )
        with self._phase("snapshot"):
            self._stage.snapshot()
        return "nothing in a candidate's reach names it"

    def _attempted(self, attempt: Attempt, fresh: bool) -> str:
        if not fresh:
            with self._phase("restore broken"):
                self._stage.restore_broken()
        with self._phase("play"):
            self._stage.play(attempt)
            self._stage.changed()
        if isinstance(attempt, WrongFix):
            with self._phase("watch wrong"):
                said = self._convicted(attempt)
            if attempt.undone_by:
                with self._phase("undo"):
                    self._stage.play(Attempt(name=f"undo-{attempt.name}", actions=attempt.undone_by))
            return said
        with self._phase("watch repair"):
            watch = self._look(FIXED_SECONDS, self._fixed)
        if not self._fixed(watch):
            raise Dishonest(
                f"The {kind_of(self.plan, attempt)} {attempt.name} is dishonest: it should repair it, and is not seen "
                f"to within {FIXED_SECONDS:.0f} s: {watch.said()}"
            )
        clean_after = max(watch.broken_at.get(name, 0.0) for name in self.plan.good_when)
        self._figures["clean_after_seconds"] = round(clean_after, 1)
        self._figures["fixed_after_seconds"] = round(watch.seconds, 1)
        return watch.said()

    def _convicted(self, attempt: WrongFix) -> str:
        earliest, symptom = self._earliest_conviction(), self.plan.symptom.name

        def settled(watch: Watch) -> bool:
            if self._fixed(watch):
                return True
            if attempt.leaves == "mitigated" and symptom not in watch.eased:
                return False
            judged = self.plan.good_when
            silent = not watch.eased.intersection(judged) and all(watch.silent[n] >= SILENT_LOOKS for n in judged)
            convicted = watch.broken[attempt.convicted_by] >= CONSECUTIVE
            return watch.seconds >= earliest and (convicted or silent)

        watch = self._look(WRONG_SECONDS, settled)
        kind = kind_of(self.plan, attempt)
        if self._fixed(watch):
            raise Dishonest(
                f"The {kind} {attempt.name} is dishonest: it counts as a repair, although {_small(attempt.why)} "
                f"{watch.said()}"
            )
        if watch.last[attempt.convicted_by].status == "ok":
            raise Dishonest(
                f"The {kind} {attempt.name} is dishonest: {attempt.convicted_by}, which should convict it, says "
                f"{watch.said()}"
            )
        if attempt.leaves == "mitigated" and symptom not in watch.eased:
            raise Dishonest(
                f"The {kind} {attempt.name} is dishonest: it should ease the symptom and does not: {watch.said()}"
            )
        return watch.said()

    def _earliest_conviction(self) -> float:
        """Wall seconds after a change before which what is broken may still be on its way to ok."""
        repairs = [row for row in self.rows if row.kind in ("solution", "valid fix") and row.outcome == "proved"]
        if not repairs:
            return WRONG_SECONDS
        slowest = max(row.figures.get("clean_after_seconds", WRONG_SECONDS) for row in repairs)
        return min(WRONG_SECONDS, max(CONVICTED_AFTER_SECONDS, slowest * SLOWER_THAN_A_REPAIR + 2 * LOOK_SECONDS))

    def _reset(self) -> str:
        with self._phase("restore"):
            different = self._stage.restore()
        if different:
            raise Dishonest(f"The reset is dishonest: {len(different)} files differ from the baseline: {different[:3]}")
        with self._phase("compare"):
            unequal = self._stage.unequal()
        if unequal:
            raise Dishonest(f"The reset is dishonest: it is not the baseline again: {'; '.join(unequal[:3])}")
        return "every file equals the baseline's before the start; rows, aliases and HEAD do after it"

    # -- tools ------------------------------------------------------------------------------------------------------

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun = self._clock()
        try:
            yield
        finally:
            self._phases[name] = self._phases.get(name, 0.0) + self._clock() - begun

    def _fixed(self, watch: Watch) -> bool:
        row = self._stage.answers()
        return all(watch.held(name, row) for name in self.plan.good_when)

    def _look(self, seconds: float, done: Callable[[Watch], bool]) -> Watch:
        """Runs every probe every few seconds until `done`, at most so long."""
        watch, first = Watch(), self._clock()
        while True:
            begun = self._clock()
            results = self._stage.look()
            watch.take(results, self._stage.answers(), self._clock() - first)
            self._tell("look", "doing", watch.said())
            if done(watch) or self._clock() - first > seconds:
                return watch
            self._sleep(max(0.0, LOOK_SECONDS - (self._clock() - begun)))


def kind_of(plan: Plan, attempt: Attempt) -> Kind:
    if isinstance(attempt, WrongFix):
        return "cheat" if attempt.cheat else "wrong fix"
    return "solution" if isinstance(attempt, Repair) and attempt in plan.solutions else "valid fix"


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
