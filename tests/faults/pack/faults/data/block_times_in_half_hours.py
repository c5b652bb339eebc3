"""A pack's own: upstream announces block times in half hours. Found and proved like any other."""

from __future__ import annotations

from brownout.faults.actions import EditFiles, MuteAlert, OntimeCommand, RestartComponent
from brownout.faults.edits import Edit
from brownout.faults.injectors import FeedChange
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ServedScorePath, StoredRowsTrue

CHECKED = """\
    @model_validator(mode="after")
    def _origin_is_not_destination(self) -> ScheduledFlight:
"""


def converted(factor: int) -> EditFiles:
    """The contract reads a duration that no aircraft can fly as the other unit."""
    edit = Edit(
        path="platform/ontime/contract.py",
        old=CHECKED,
        new=f"""\
    @model_validator(mode="after")
    def _block_time_in_minutes(self) -> ScheduledFlight:
        if self.scheduled_minutes < 20 + self.distance_miles / 10:
            object.__setattr__(self, "scheduled_minutes", self.scheduled_minutes * {factor})
        return self

{CHECKED}""",
    )
    return EditFiles(edits=(edit,), subject="Contract: block times are in minutes")


REBUILD = OntimeCommand(args=("warehouse", "rebuild"))


def plan(parameters: Parameters) -> Plan:
    minutes = int(parameters["minutes"])
    path, stored = ServedScorePath(), StoredRowsTrue(field="scheduled_minutes")
    return Plan(
        injections=(FeedChange(field="scheduled_minutes", factor=1 / minutes),),
        symptom=path,
        root_cause=(stored,),
        solutions=(Repair(name="convert-and-rebuild", actions=(converted(minutes), REBUILD)),),
        wrong_fixes=(
            WrongFix(
                name="mute-the-alerts",
                actions=(MuteAlert(),),
                convicted_by=path.name,
                why="Nobody is told; nothing is repaired.",
                cheat=True,
                mutates=False,
            ),
            WrongFix(
                name="restart-and-hope",
                actions=(RestartComponent(component="ingest"),),
                convicted_by=path.name,
                why="Upstream goes on as it does.",
                mutates=False,
            ),
            WrongFix(
                name="convert-without-rebuild",
                actions=(converted(minutes),),
                leaves="mitigated",
                convicted_by=stored.name,
                why="What was stored since the change stays in the wrong unit.",
            ),
        ),
    )


SAYS = When(
    says="It says that block times arrive in another unit since one instant.",
    samples=("Block times shrank by one factor at once.", "The airlines send half hours instead of minutes."),
)

FAULT = Fault(
    id="block_times_in_half_hours",
    title="Upstream announces block times in half hours",
    layer="data",
    levels=("mid",),
    symptom="Scores shift at one instant for every route, with nothing refused and nothing missing.",
    symptom_budget_seconds=120,
    parameters={"minutes": Choice(of=(20, 30))},
    plan=plan,
    truth=(
        "Predictions shift at one instant.",
        "Stored schedules hold durations in two units.",
        "Upstream divides block times by {minutes} since then, and the contract accepts them.",
    ),
    accepts=(Accepted(component="upstream", failure_class="unit_or_schema_change"),),
    confirm_when=(SAYS,),
    partial_when=(SAYS,),
    refuse_when=(SAYS,),
    hints=("When did it begin?", "Compare each input with last week's.", "Divide distances by durations."),
    rubric=("Looks for the instant.",),
    must_notice=("One input moved by a constant factor.",),
    evidence=("prometheus", "reports", "warehouse"),
)
