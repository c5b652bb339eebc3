"""The batch path ends at a pinned day: runs are green, loads are recent, and what is loaded is as of last week."""

from __future__ import annotations

from datetime import date, timedelta

from brownout.faults.actions import (
    AirflowTrigger,
    DeleteData,
    EditFiles,
    GitRevert,
    MlflowAlias,
    RestartComponent,
    RewriteTimes,
)
from brownout.faults.cheats import silencing
from brownout.faults.edits import Edit
from brownout.faults.injectors import CodeCommit, SlowRowsWithdrawn
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ServedScorePath, SlowAge

JOB, DAG = "platform/ontime/jobs/build_features.py", "dags/build_features.py"
TEST = "tests/unit/ontime/jobs/test_build_features.py"
RULES = "monitoring/prometheus/rules/features.yml"

HEALTHY_ROWS = "        rows = slow_rows(connection, *midnights)\n"
HISTORY = "HISTORY_DAYS = 57\n"
LOADED = "    asked: list[datetime] = []\n"

REASONS = {
    "backfill": (
        "Slow features: hold rows back while arrivals are filled in",
        "Upstream sends arrivals of the last days again, some with other delays. Rows as of later midnights are "
        "withdrawn, and built again once upstream is through.",
        "FILLED_IN_THROUGH",
        "Upstream is sending the arrivals of later days again: rows as of later midnights would hold half of them.",
    ),
    "audit": (
        "Slow features: only from days that were reconciled",
        "Route late rates of last week did not add up with the airports' own figures. Later rows are withdrawn; what "
        "is built ends with the last day that does add up.",
        "RECONCILED_THROUGH",
        "The last midnight before which our late rates and the airports' agree.",
    ),
    "outage": (
        "Slow features: leave out the days after the outage",
        "Arrivals were counted twice after a sender's outage. Rows that saw them are withdrawn; the last clean "
        "midnight stands in until they are deduplicated.",
        "LAST_CLEAN",
        "Arrivals after this midnight may have been counted twice; rows as of it stand in for later ones.",
    ),
}


def _built(name: str) -> str:
    return f"        rows = slow_rows(connection, *sorted({{min(midnight, {name}) for midnight in midnights}}))\n"


def _pinned(reason: str, through: date) -> tuple[Edit, ...]:
    """Rows are built as of the pinned midnight at the latest; the load, its end and the note go on with the days."""
    _, _, name, doc = REASONS[reason]
    constant = f'{name} = datetime({through.year}, {through.month}, {through.day}, 4, tzinfo=UTC)\n"""{doc}"""\n'
    return (
        Edit(path=JOB, old=HISTORY, new=constant + HISTORY),
        Edit(path=JOB, old=HEALTHY_ROWS, new=_built(name)),
        Edit(
            path=TEST,
            old=LOADED,
            new=f'{LOADED}    monkeypatch.setattr(build_features, "{name}", NOW + 9 * DAY)\n',
        ),
    )


def plan(parameters: Parameters) -> Plan:
    reason, through = str(parameters["reason"]), date.fromisoformat(str(parameters["through"]))
    subject, body, name, _ = REASONS[reason]
    path, age = ServedScorePath(), SlowAge()
    again = AirflowTrigger(dag="build_features", parameters={"recompute_days": 7})
    unpinned = EditFiles(
        edits=(Edit(path=JOB, old=_built(name), new=HEALTHY_ROWS),),
        subject="Slow features: every midnight is built as of itself",
    )
    newer = EditFiles(
        edits=(
            Edit(
                path=JOB,
                old=_built(name),
                new=_built(name).replace(name, f"{name} + timedelta(days=1)"),
            ),
        ),
        subject="Slow features: one more day is through",
    )
    return Plan(
        injections=(
            CodeCommit(subject=subject, body=body, role="data-engineer", edits=_pinned(reason, through)),
            SlowRowsWithdrawn(through=through),
        ),
        symptom=age,
        root_cause=(age, path),
        solutions=(Repair(name="revert-and-build-again", actions=(GitRevert(subject=subject), again)),),
        valid_fixes=(
            Repair(name="unpin-and-build-again", actions=(unpinned, again)),
            Repair(
                name="unpin-and-forget-the-note",
                actions=(
                    unpinned,
                    DeleteData(path="online/slow_materialized_through"),
                    AirflowTrigger(dag="build_features"),
                ),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="run-it-again",
                actions=(AirflowTrigger(dag="build_features"),),
                convicted_by=age.name,
                why="It counts today's midnight as done and is skipped, or loads the pinned rows again.",
                mutates=False,
            ),
            WrongFix(
                name="build-again-without-unpinning",
                actions=(again,),
                convicted_by=age.name,
                why="Seven midnights are built again, each as of the pinned one.",
                mutates=False,
            ),
            WrongFix(
                name="restart-and-hope",
                actions=(RestartComponent(component="airflow-scheduler"), RestartComponent(component="serving")),
                convicted_by=age.name,
                why="The pin is in the code.",
                mutates=False,
            ),
            WrongFix(
                name="run-it-more-often",
                actions=(
                    EditFiles(
                        edits=(Edit(path=DAG, old='schedule="*/3 * * * *"', new='schedule="* * * * *"'),),
                        subject="DAG: build slow features every minute",
                    ),
                    AirflowTrigger(dag="build_features"),
                ),
                convicted_by=age.name,
                why="The same end is reached three times as often.",
            ),
            WrongFix(
                name="move-the-pin-by-a-day",
                actions=(newer, again),
                convicted_by=age.name,
                why="The rows are a day younger, and stand still there.",
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=age.name,
                why="No model repairs features that stand still.",
            ),
            WrongFix(
                name="rewrite-stored-times",
                actions=(RewriteTimes(),),
                convicted_by=age.name,
                why="Stored rows claim to be new and hold the rates of last week.",
                cheat=True,
            ),
            WrongFix(
                name="loosen-the-alert",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(path=RULES, old='_slow",quantile="0.5"}) > ', new='_slow",quantile="0.5"}) / 10 > '),
                        ),
                        subject="Alerts: slow features may be two weeks old",
                    ),
                ),
                convicted_by=age.name,
                why="The alert is quiet and the rows are as old as before.",
                cheat=True,
            ),
            WrongFix(
                name="delete-the-slow-rows",
                actions=(DeleteData(path="warehouse/*_slow/*.parquet"), AirflowTrigger(dag="build_features")),
                convicted_by=age.name,
                why="What was loaded stays loaded.",
                cheat=True,
            ),
            *silencing(age.name),
        ),
    )


LAST = date(2013, 5, 3)
"""Three days before the present of the baseline `may`: a younger pin moves too few scores to be seen."""

FAULT = Fault(
    id="stale_batch_path",
    title="Slow features stand still at a pinned day",
    layer="features",
    levels=("mid",),
    symptom="Slow features at read are days old and stay as of one midnight while every run of their DAG is green and "
    "every load is recent; scores follow last week's late rates.",
    symptom_budget_seconds=150,
    parameters={
        "reason": Choice(of=tuple(REASONS)),
        "through": Choice(of=tuple((LAST - timedelta(days=n)).isoformat() for n in range(4))),
    },
    plan=plan,
    truth=(
        "Scores of routes, carriers and aircraft that have changed since are off by a few hundredths; nothing fails.",
        "The slow rows that serving reads have the event timestamp of {through}'s midnight, in the online store and in "
        "the warehouse alike; fresh rows are minutes old.",
        "build_features succeeds, its note and Feast's end of the last materialization are of today: they say when was "
        "loaded, not what.",
        "A deploy pinned the midnight as of which rows are built ('{reason}') to {through}, by a constant that nobody "
        "moves, and later rows were withdrawn.",
    ),
    accepts=(
        Accepted(component="build_features", failure_class="stale_data"),
        Accepted(component="build_features", failure_class="misconfiguration"),
        Accepted(component="warehouse", failure_class="stale_data", verdict="partial"),
        Accepted(component="feature_repo", failure_class="stale_data", verdict="partial"),
        Accepted(component="serving", failure_class="stale_data", verdict="partial"),
        Accepted(component="build_features", failure_class="training_serving_skew", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that build_features builds slow rows only up to a fixed midnight, by a constant in its code, "
            "so that green runs load the same old rows.",
            samples=(
                "The job clamps the midnight to a constant date, so every run rebuilds and loads the rows of that day.",
                "Slow rows end at a hard-coded day since the commit that held them back; the DAG is green regardless.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says that slow features are days old at read, or end at one day, without why.",
            samples=(
                "The event timestamps of the slow views have not moved for days.",
                "route_slow in the warehouse ends some days ago although build_features runs.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the model, the season, the scheduler, or fresh features.",
            samples=(
                "Airflow does not run build_features any more.",
                "The model is out of date, the routes have changed since.",
            ),
        ),
    ),
    hints=(
        "Compare the ages at read of all views. Which are old, and by a growing or a constant moment?",
        "The runs are green. As of which midnight are the newest rows that they wrote, and as of which are those that "
        "were loaded?",
        "Read the job from the list of midnights to the rows: what becomes of a midnight on its way? And after a "
        "repair: which midnights does the job count as done?",
    ),
    rubric=(
        "Tells 'loaded lately' from 'as of a late moment', and does not stop at a green DAG.",
        "Compares warehouse and online store before blaming the load.",
        "Repairs what was missed as well (builds the days again), and verifies by event timestamps.",
        "Asks what the pin was for before taking it away.",
    ),
    must_notice=(
        "Only slow views are old, all as of the same midnight.",
        "Runs are green and loads recent: neither says as of when the rows are.",
        "The warehouse ends at the same midnight as the online store, so the load is not to blame.",
        "After the repair the job counts the midnights as done; they have to be built again.",
    ),
    evidence=("prometheus", "dashboards", "airflow", "feature_store", "warehouse", "git"),
)
