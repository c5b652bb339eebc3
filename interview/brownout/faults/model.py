"""What a fault is: one declaration that says how it comes, how it shows, what ends it and what only seems to."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from brownout.faults.actions import Action
from brownout.faults.context import InjectContext
from brownout.faults.frozen import Frozen
from brownout.faults.injectors import CodeCommit, Injection
from brownout.faults.parameters import Parameter, Parameters, Value, draw
from brownout.faults.vocabulary import Component, EvidenceSource, FailureClass, Layer, Level, Runtime
from brownout.probes import AnyProbe


class Accepted(Frozen):
    """A pair that a finding may name: confirmed, or partly right."""

    component: Component
    failure_class: FailureClass
    verdict: Literal["confirm", "partial"] = "confirm"


class When(Frozen):
    """When an interviewer confirms, half-confirms or refuses a finding's free text, with two ways of saying it."""

    says: str = Field(min_length=10)
    samples: tuple[str, str]


class Attempt(Frozen):
    """A repair as somebody would try it, played from outside."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    actions: tuple[Action, ...] = Field(min_length=1)


class Repair(Attempt):
    """Ends `fixed`: the symptom and every root-cause probe are ok."""


class WrongFix(Attempt):
    """Does not end `fixed`; of a control, leaves something worse."""

    leaves: Literal["broken", "mitigated", "worse"] = "broken"
    """`broken`: the symptom stays, or nothing can be judged; `mitigated`: the symptom goes, the root cause stays;
    `worse`: a guard that was ok is broken."""
    convicted_by: str
    """Name of a probe of the plan that must not be ok afterwards; of a guard, when it leaves something worse."""
    why: str = Field(min_length=10)
    cheat: bool = False
    mutates: bool = True
    """False when the broken state survives the attempt, so that the proof needs no restore after it."""
    undone_by: tuple[Action, ...] = ()
    """What leads back to the broken state, where that is quicker than restoring it and as exact."""

    @property
    def spares(self) -> bool:
        """Whether the broken state is there again without a restore."""
        return not self.mutates or bool(self.undone_by)


class Plan(Frozen):
    """A fault with its parameters put in: everything that depends on them.

    `guards` are ok at the start and must still be ok at the close. A control has guards and no root cause: nothing is
    broken, its solutions leave the guards ok, and its wrong fixes break one.
    """

    injections: tuple[Injection, ...] = Field(min_length=1)
    symptom: AnyProbe
    root_cause: tuple[AnyProbe, ...] = ()
    guards: tuple[AnyProbe, ...] = ()
    solutions: tuple[Repair, ...] = Field(min_length=1)
    valid_fixes: tuple[Repair, ...] = ()
    wrong_fixes: tuple[WrongFix, ...] = Field(min_length=1)

    @property
    def probes(self) -> dict[str, AnyProbe]:
        """Symptom, root-cause and guard probes by name; a probe that serves as several appears once."""
        return {probe.name: probe for probe in (self.symptom, *self.root_cause, *self.guards)}

    @property
    def control(self) -> bool:
        """Whether nothing is broken."""
        return not self.root_cause

    @property
    def good_when(self) -> tuple[str, ...]:
        """Names of the probes that hold ok after a good attempt: symptom and root cause; of a control, the guards."""
        judged = self.guards if self.control else (self.symptom, *self.root_cause)
        return tuple(dict.fromkeys(probe.name for probe in judged))

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return (*self.solutions, *self.valid_fixes, *self.wrong_fixes)

    @model_validator(mode="after")
    def _something_judges(self) -> Plan:
        guards = {probe.name for probe in self.guards}
        if not self.root_cause and not guards:
            raise ValueError("root_cause is empty and guards too; expected a root-cause probe, or a control's guards")
        if both := guards & {probe.name for probe in (self.symptom, *self.root_cause)}:
            raise ValueError(f"{min(both)} is a guard and judges the fault; a guard is ok while the fault is in")
        for wrong in self.wrong_fixes:
            if (wrong.leaves == "worse") != (wrong.convicted_by in guards):
                raise ValueError(
                    f"wrong fix {wrong.name!r} leaves {wrong.leaves!r} and is convicted by {wrong.convicted_by!r}; "
                    "what a guard convicts leaves 'worse', and nothing else does"
                )
            if self.control and wrong.leaves != "worse":
                raise ValueError(f"wrong fix {wrong.name!r} of a control leaves {wrong.leaves!r}; expected 'worse'")
        return self

    @model_validator(mode="after")
    def _attempts_are_sound(self) -> Plan:
        names = [attempt.name for attempt in self.attempts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two attempts are named {twice[0]!r}; give each a name of its own")
        for wrong in self.wrong_fixes:
            if wrong.convicted_by not in self.probes:
                raise ValueError(
                    f"wrong fix {wrong.name!r} is convicted by {wrong.convicted_by!r}; "
                    f"expected one of {', '.join(self.probes)}"
                )
            if wrong.leaves == "mitigated" and wrong.convicted_by == self.symptom.name and self._only_symptom_judges:
                raise ValueError(f"wrong fix {wrong.name!r} leaves 'mitigated' but is convicted by the symptom")
        return self

    @property
    def _only_symptom_judges(self) -> bool:
        return self.symptom.name not in {probe.name for probe in self.root_cause}


class Fault(Frozen):
    """One deliberate, real defect. Texts may name parameters in braces, e.g. `{field}`."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]+$")
    title: str = Field(min_length=5)
    layer: Layer
    levels: tuple[Level, ...] = Field(min_length=1)
    runtime: Runtime = Field(default="any", description="Where it can be put in: `kind` has what processes lack.")
    symptom: str = Field(min_length=20, description="What anyone can observe, in a sentence or two.")
    symptom_budget_seconds: float = Field(gt=0, le=600, description="Wall seconds from injection to observation.")
    parameters: dict[str, Parameter] = Field(min_length=1)
    plan: Callable[[Parameters], Plan] = Field(exclude=True)
    truth: tuple[str, ...] = Field(min_length=3, description="Symptom → intermediate → root cause.")
    accepts: tuple[Accepted, ...] = Field(min_length=1)
    confirm_when: tuple[When, ...] = Field(min_length=1)
    partial_when: tuple[When, ...] = Field(min_length=1)
    refuse_when: tuple[When, ...] = Field(min_length=1)
    hints: tuple[str, ...] = Field(min_length=3, description="A ladder: where to look, what to compare, what it is.")
    rubric: tuple[str, ...] = Field(min_length=1)
    must_notice: tuple[str, ...] = Field(
        min_length=1,
        description="What has to be noticed to find it, one observation each; their number is a difficulty.",
    )
    evidence: tuple[EvidenceSource, ...] = Field(
        min_length=1, description="Where on the platform the evidence stands; the fewer places, the harder."
    )

    @field_validator("evidence")
    @classmethod
    def _each_place_once(cls, evidence: tuple[EvidenceSource, ...]) -> tuple[EvidenceSource, ...]:
        if twice := sorted({place for place in evidence if evidence.count(place) > 1}):
            raise ValueError(f"{twice[0]!r} stands there twice; name each place once")
        return evidence

    @field_validator("accepts")
    @classmethod
    def _something_is_right(cls, accepts: tuple[Accepted, ...]) -> tuple[Accepted, ...]:
        if not any(a.verdict == "confirm" for a in accepts):
            raise ValueError("no pair is confirmed; expected at least one Accepted with verdict 'confirm'")
        return accepts

    @model_validator(mode="after")
    def _texts_name_known_parameters(self) -> Fault:
        for text in (self.symptom, *self.truth, *self.hints, *self.must_notice):
            for _, name, _, _ in string.Formatter().parse(text):
                if name is not None and name not in self.parameters:
                    raise ValueError(
                        f"text {text[:40]!r}… names parameter {name!r}; known: {', '.join(self.parameters)}"
                    )
        return self

    def draw(self, seed: int, given: Parameters | None = None) -> dict[str, Value]:
        """The seed's parameters, except those given. Raises `UnknownNameError` or `ConfigError`."""
        return draw(self.id, self.parameters, seed, given or {})

    def told(self, text: str, parameters: Parameters) -> str:
        """One of the fault's texts with its parameters put in."""
        return text.format(**parameters)

    def commits(self, parameters: Parameters) -> tuple[CodeCommit, ...]:
        """What the workspace's written history must contain."""
        return tuple(i for i in self.plan(parameters).injections if isinstance(i, CodeCommit))

    def inject(self, context: InjectContext, parameters: Parameters) -> None:
        """Puts the fault in, step by step. Raises `PreparationError`."""
        for injection in self.plan(parameters).injections:
            injection.apply(context)
