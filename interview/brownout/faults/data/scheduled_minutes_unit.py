"""Upstream announces scheduled durations in another unit, inside the contract's range, from one moment on."""

from __future__ import annotations

from brownout.faults.actions import (
    AirflowTrigger,
    DeleteData,
    EditFiles,
    MlflowAlias,
    OntimeCommand,
    RestartComponent,
)
from brownout.faults.cheats import silencing
from brownout.faults.edits import Edit
from brownout.faults.injectors import FeedChange
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ServedScorePath, StoredRowsTrue

CONTRACT, REQUESTS = "platform/ontime/contract.py", "serving/requests.py"
MINUTES_IN = {"hours": 60, "tenths of an hour": 6}
REBUILD = OntimeCommand(args=("warehouse", "rebuild"))

CHECKED = """\
    @model_validator(mode="after")
    def _origin_is_not_destination(self) -> ScheduledFlight:
"""


def _normalised(minutes: int) -> Edit:
    """The contract reads a duration that no aircraft can fly as the other unit."""
    return Edit(
        path=CONTRACT,
        old=CHECKED,
        new=f'''\
    @model_validator(mode="before")
    @classmethod
    def _duration_in_minutes(cls, raw: Any) -> Any:
        """Upstream announces some durations in another unit: no aircraft covers ten miles a minute gate to gate."""
        if isinstance(raw, dict) and isinstance(raw.get("scheduled_minutes"), int | float):
            distance = raw.get("distance_miles")
            if isinstance(distance, int | float) and raw["scheduled_minutes"] < 20 + distance / 10:
                return {{**raw, "scheduled_minutes": raw["scheduled_minutes"] * {minutes}}}
        return raw

{CHECKED}''',
    )


IMPORT_ANY = Edit(
    path=CONTRACT, old="from typing import Annotated, Literal\n", new="from typing import Annotated, Any, Literal\n"
)


def _in_the_validator(minutes: int) -> Edit:
    """The same decision, made where the flight is complete."""
    return Edit(
        path=CONTRACT,
        old=CHECKED,
        new=f"""\
    @model_validator(mode="after")
    def _duration_in_minutes(self) -> ScheduledFlight:
        if self.scheduled_minutes < 20 + self.distance_miles / 10:
            object.__setattr__(self, "scheduled_minutes", self.scheduled_minutes * {minutes})
        return self

{CHECKED}""",
    )


REFUSED = Edit(
    path=CONTRACT,
    old=CHECKED,
    new="""\
    @model_validator(mode="after")
    def _duration_is_possible(self) -> ScheduledFlight:
        if self.scheduled_minutes < 20 + self.distance_miles / 10:
            raise ValueError("scheduled_minutes is too short for the distance; expected minutes gate to gate")
        return self

"""
    + CHECKED,
)


def plan(parameters: Parameters) -> Plan:
    minutes = MINUTES_IN[str(parameters["unit"])]
    path, stored = ServedScorePath(), StoredRowsTrue(field="scheduled_minutes")
    contract = EditFiles(
        edits=(IMPORT_ANY, _normalised(minutes)), subject="Contract: read durations in either unit as minutes"
    )
    return Plan(
        injections=(FeedChange(field="scheduled_minutes", factor=1 / minutes),),
        symptom=path,
        root_cause=(stored, path),
        solutions=(Repair(name="normalise-and-rebuild", actions=(contract, REBUILD)),),
        valid_fixes=(
            Repair(
                name="normalise-after-validation-and-rebuild",
                actions=(
                    EditFiles(edits=(_in_the_validator(minutes),), subject="Contract: durations are in minutes"),
                    REBUILD,
                ),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="normalise-without-repair",
                actions=(contract,),
                leaves="mitigated",
                convicted_by=stored.name,
                why="What was stored since the change stays in the wrong unit, for training and parity to find.",
            ),
            WrongFix(
                name="retrain-on-it",
                actions=(AirflowTrigger(dag="train_model"),),
                convicted_by=path.name,
                why="A model trained on weeks of minutes and hours of another unit reads both wrong.",
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=path.name,
                why="Every version was trained on minutes.",
            ),
            WrongFix(
                name="refuse-the-new-unit",
                actions=(EditFiles(edits=(REFUSED,), subject="Contract: refuse impossible durations"),),
                convicted_by=stored.name,
                why="Announcements and questions are turned away: an outage instead of a wrong score.",
            ),
            WrongFix(
                name="rebuild-under-the-old-contract",
                actions=(REBUILD,),
                convicted_by=stored.name,
                why="The landing holds what upstream sent; the old contract reads it as it did before.",
                mutates=False,
            ),
            WrongFix(
                name="restart-and-hope",
                actions=(RestartComponent(component="ingest"), RestartComponent(component="serving")),
                convicted_by=path.name,
                why="Upstream goes on as it does.",
                mutates=False,
            ),
            WrongFix(
                name="delete-the-stored-schedules",
                actions=(DeleteData(path="warehouse/schedules/*.parquet"),),
                convicted_by=stored.name,
                why="Rows that are gone are not repaired.",
                cheat=True,
            ),
            *silencing(path.name),
        ),
    )


FAULT = Fault(
    id="scheduled_minutes_unit",
    title="Upstream announces scheduled durations in another unit",
    layer="data",
    levels=("mid",),
    symptom="Scores shift at one instant for every route, with no error, no null and no late row anywhere.",
    symptom_budget_seconds=120,
    parameters={"unit": Choice(of=tuple(MINUTES_IN))},
    plan=plan,
    truth=(
        "Predictions shift at one instant; nothing is refused, late or missing.",
        "The live distribution of scheduled_minutes has moved by a constant factor while distances have not; stored "
        "schedules hold both units.",
        "Upstream sends scheduled durations in {unit} instead of minutes since that instant; the values lie inside the "
        "contract's range, so it accepts them.",
    ),
    accepts=(
        Accepted(component="upstream", failure_class="unit_or_schema_change"),
        Accepted(component="ingest", failure_class="unit_or_schema_change"),
        Accepted(component="upstream", failure_class="data_drift", verdict="partial"),
        Accepted(component="warehouse", failure_class="unit_or_schema_change", verdict="partial"),
        Accepted(component="serving", failure_class="unit_or_schema_change", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that the scheduled duration arrives in another unit (by a constant factor) since one "
            "instant, and that it comes from upstream.",
            samples=(
                "scheduled_minutes is a constant factor too small since this morning; the airlines changed the unit.",
                "Upstream switched block times to another unit, and our contract lets that pass.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It names the field but calls it drift, or sees the instant but not the field.",
            samples=(
                "scheduled_minutes has drifted a lot since this morning.",
                "All inputs changed at one moment; it looks like an upstream change.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the model, the season, or stale features.",
            samples=("The model is out of date; we have to retrain.", "The fresh features are stale."),
        ),
    ),
    hints=(
        "Did the scores move slowly or at one instant? What else changed at that instant?",
        "Compare each input's live distribution with last week's at the same hours. One of the inputs that come with "
        "the request stands out.",
        "Divide a flight's distance by its scheduled duration, before and after. Which unit gives such speeds? Then: "
        "what of it is stored already, and who will read it?",
    ),
    rubric=(
        "Looks for the instant, and for one field rather than 'drift'.",
        "Checks a physical quantity (speed) instead of a statistic.",
        "Repairs at the contract, for events and requests alike, and then what was stored.",
        "Does not retrain on it, and says why.",
    ),
    must_notice=(
        "The scores moved at one instant, not gradually.",
        "One input moved by a constant factor, and what belongs to it physically (the distance) did not.",
        "Stored schedules hold both units: repairing what arrives leaves what has arrived.",
    ),
    evidence=("prometheus", "dashboards", "reports", "serving", "warehouse"),
)
