"""The season has moved and the champion has not: trained in winter, serving in June, over a pipeline that is clean."""

from __future__ import annotations

from datetime import date

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
from brownout.faults.injectors import StandingModels
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.models import Retraining
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ModelQuality, ServedScorePath

CONFIG, ALERTS = "ontime.toml", "monitoring/prometheus/rules/quality.yml"

PREVIOUS = Retraining(first=date(2013, 1, 15), last=date(2013, 2, 11))
CHAMPIONS = {
    "late January to the middle of February": Retraining(first=date(2013, 1, 22), last=date(2013, 2, 18)),
    "late January to late February": Retraining(first=date(2013, 1, 25), last=date(2013, 2, 21)),
    "February": Retraining(first=date(2013, 2, 1), last=date(2013, 2, 28)),
}
"""Four weeks each, enough for the gates of then. On 10 to 23 June their log loss is .031 to .042 above that of the
baseline's champion, which was trained to 30 April; what is retrained on the window that ends in June is .002 below."""
DESCRIPTION = "Four weeks of training, after the holidays"


def plan(parameters: Parameters) -> Plan:
    quality, path = ModelQuality(flights=12_000), ServedScorePath()
    train = AirflowTrigger(dag="train_model", within_seconds=300)
    window = Edit(path=CONFIG, old="window_days = 95\n", new="window_days = 125\n")
    short = Edit(path=CONFIG, old="window_days = 95\n", new="window_days = 28\n")
    return Plan(
        injections=(
            StandingModels(previous=PREVIOUS, champion=CHAMPIONS[str(parameters["trained"])], description=DESCRIPTION),
        ),
        symptom=quality,
        root_cause=(quality, path),
        solutions=(Repair(name="retrain-on-the-window-that-ends-now", actions=(train,)),),
        valid_fixes=(
            Repair(
                name="retrain-on-a-longer-window",
                actions=(EditFiles(edits=(window,), subject="Training: four months, from March on"), train),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="restart-and-hope",
                actions=(RestartComponent(component="serving"),),
                convicted_by=quality.name,
                why="It loads the same champion.",
                mutates=False,
            ),
            WrongFix(
                name="recompute-the-features",
                actions=(AirflowTrigger(dag="build_features", parameters={"recompute_days": 3}),),
                convicted_by=quality.name,
                why="The features were right before.",
                mutates=False,
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(OntimeCommand(args=("registry", "rollback")),),
                convicted_by=quality.name,
                why="The version before knows even less of the summer.",
            ),
            WrongFix(
                name="retrain-on-the-last-two-weeks",
                actions=(
                    EditFiles(edits=(short,), subject="Training: only what is recent"),
                    train,
                ),
                convicted_by=quality.name,
                why="Two weeks are too few flights to learn from, and the gates say so.",
            ),
            WrongFix(
                name="alias-by-hand",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=quality.name,
                why="Both versions are of the winter.",
            ),
            WrongFix(
                name="loosen-the-alerts",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(
                                path=ALERTS,
                                old="expr: 'max(ontime_drift_share) > ",
                                new="expr: 'max(ontime_drift_share) - 1 > ",
                            ),
                        ),
                        subject="Alerts: summers drift",
                    ),
                ),
                convicted_by=quality.name,
                why="The alert is quiet and the champion knows no more than before.",
                cheat=True,
            ),
            WrongFix(
                name="delete-the-prediction-log",
                actions=(DeleteData(path="warehouse/predictions/*.parquet"),),
                convicted_by=quality.name,
                why="Quality cannot be computed any more; it has not changed.",
                cheat=True,
            ),
            *silencing(quality.name, "The champion is out of season whether it is asked or not."),
        ),
    )


FAULT = Fault(
    id="season_drift",
    title="A champion of the winter serves in summer",
    layer="data",
    levels=("mid", "senior"),
    symptom="Scores are too low on bad afternoons and quality has sunk for weeks, of the champion and of the version "
    "before it alike; nearly every input has moved, and nothing in the pipeline has.",
    symptom_budget_seconds=120,
    parameters={"trained": Choice(of=tuple(CHAMPIONS))},
    plan=plan,
    truth=(
        "Quality has sunk: log loss and calibration of the champion are worse than they were, and so are those of the "
        "version before it, on the same flights.",
        "Nearly every input has moved at once and slowly: delays, cancellations, weather, late rates. Contract, ages, "
        "nulls, parity and served version are in order: what is served is what the model says.",
        "The season has changed; the champion was trained on four weeks ({trained}) and nobody has retrained since.",
    ),
    accepts=(
        Accepted(component="upstream", failure_class="data_drift"),
        Accepted(component="train_model", failure_class="data_drift"),
        Accepted(component="registry", failure_class="data_drift"),
        Accepted(component="registry", failure_class="stale_data", verdict="partial"),
        Accepted(component="train_model", failure_class="stale_data", verdict="partial"),
        Accepted(component="monitor_model", failure_class="data_drift", verdict="partial"),
        Accepted(component="serving", failure_class="data_drift", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that the season (the data) has really moved and the champion was trained before that, with "
            "evidence that the pipeline is in order.",
            samples=(
                "The champion knows four weeks of winter; it is June. Parity, ages and contract are fine: real drift.",
                "Everything moved gradually and nothing is broken; the model has to be retrained on recent months.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says drift, or an old model, without having excluded the pipeline; or names a single input.",
            samples=("The drift report is red, so the data has drifted.", "The champion is months old."),
        ),
    ),
    refuse_when=(
        When(
            says="It blames a deploy, a unit, a join, staleness of features, or serving; or wants to roll back.",
            samples=(
                "One of the last deploys broke a feature; we have to undo it.",
                "The new champion is bad, we should go back to the previous one.",
            ),
        ),
    ),
    hints=(
        "Did quality sink at one instant or over weeks? For the champion alone, or for the version before it as well?",
        "What would you see if a feature were wrong, late or missing? Look at parity, ages, nulls and refusals.",
        "Which days was the champion trained on, and what day is it? What does the retraining need, and what would "
        "tell you that its result is better?",
    ),
    rubric=(
        "Excludes the pipeline (parity, ages, contract, served version) before saying drift.",
        "Sees that a rollback goes further away from the season.",
        "Retrains on a validated window through the gates, and compares on the same flights.",
        "Says how one would have known earlier.",
    ),
    must_notice=(
        "Quality has sunk for champion and previous version alike, and not at one instant.",
        "Nearly every input has moved; parity, ages, nulls and contract are in order.",
        "The champion was trained on four weeks of another season.",
    ),
    evidence=("mlflow", "prometheus", "dashboards", "reports", "warehouse"),
)
