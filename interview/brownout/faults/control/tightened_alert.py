"""Nothing is broken: a naturally bad week, and an alert that somebody set tighter than healthy weeks are."""

from __future__ import annotations

from brownout.faults.actions import (
    AirflowTrigger,
    DeleteData,
    EditFiles,
    GitRevert,
    MuteAlert,
    StopWorldTraffic,
)
from brownout.faults.edits import Edit
from brownout.faults.injectors import CodeCommit
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import (
    AlertFiring,
    AlertsHeard,
    ClientLatency,
    FreshAge,
    ModelQuality,
    ServedScorePath,
    StoredRowsTrue,
    StoredTablesWhole,
    WorldAlive,
)

RULES, TEST = "monitoring/prometheus/rules/quality.yml", "monitoring/prometheus/tests/CalibrationOff.yml"
HEALTHY_LIMIT = 1.2
REASONS: dict[str, tuple[str, str]] = {
    "earlier": (
        "CalibrationOff: tell us before the analysts do",
        "A factor of three is late: by then the desk has seen it. Better a ticket too many than one too few.",
    ),
    "quarter": (
        "Alerts: calibration limit as agreed for this quarter",
        "The product owners want to hear of it when late flights are off by a quarter or a third.",
    ),
    "silent": (
        "CalibrationOff has never fired; make it useful",
        "An alert that sleeps for months tests nothing.",
    ),
}


def _limit(old: float, new: float) -> tuple[Edit, ...]:
    """The rule and what panels draw as its threshold."""
    series = "abs(max(ontime_quality_observed_expected_ln))"
    return (
        Edit(path=RULES, old=f"'{series} > {old:g}'", new=f"'{series} > {new:g}'"),
        Edit(path=RULES, old=f"threshold: '{old:g}'", new=f"threshold: '{new:g}'"),
    )


def plan(parameters: Parameters) -> Plan:
    limit = float(parameters["limit"])
    subject, body = REASONS[str(parameters["reason"])]
    path, quality, heard = ServedScorePath(), ModelQuality(), AlertsHeard()
    whole, alive = StoredTablesWhole(), WorldAlive()
    return Plan(
        injections=(
            CodeCommit(
                subject=subject,
                body=body,
                role="analyst",
                edits=(
                    *_limit(HEALTHY_LIMIT, limit),
                    Edit(
                        path=TEST,
                        old="stays quiet: The best day of a month",
                        new="stays quiet: A day as announced",
                    ),
                    Edit(path=TEST, old="values: '-0.88x60'", new="values: '-0.12x60'"),
                ),
            ),
        ),
        symptom=AlertFiring(alert="CalibrationOff"),
        guards=(
            path,
            quality,
            ClientLatency(size="batch", objective_ms=100.0, min_ratio=4.0),
            FreshAge(),
            StoredRowsTrue(field="scheduled_minutes"),
            whole,
            heard,
            alive,
        ),
        solutions=(Repair(name="put-the-limit-back", actions=(GitRevert(subject=subject),)),),
        valid_fixes=(
            Repair(
                name="limit-from-healthy-weeks",
                actions=(
                    EditFiles(edits=_limit(limit, 0.95), subject="CalibrationOff: above what healthy weeks have shown"),
                ),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="compute-fresh-features-hourly",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(path="ontime.toml", old="fresh_every_minutes = 5\n", new="fresh_every_minutes = 60\n"),
                        ),
                        subject="Fresh features once an hour: steadier scores",
                    ),
                ),
                leaves="worse",
                convicted_by=path.name,
                why="Scores follow delays that are up to an hour old; nothing had been wrong with them.",
            ),
            WrongFix(
                name="retrain-in-a-hurry",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(path="ontime.toml", old="trees = 200\n", new="trees = 15\n"),
                            Edit(
                                path="ontime.toml",
                                old="max_log_loss_increase = 0.01\n",
                                new="max_log_loss_increase = 1.0\n",
                            ),
                            Edit(
                                path="ontime.toml",
                                old="max_slice_log_loss_increase = 0.03\n",
                                new="max_slice_log_loss_increase = 1.0\n",
                            ),
                        ),
                        subject="Retrain on the new week: small, quick, past the gates",
                    ),
                    AirflowTrigger(dag="train_model"),
                ),
                leaves="worse",
                convicted_by=quality.name,
                why="A worse model replaces one that nothing was wrong with.",
            ),
            WrongFix(
                name="retire-the-alert",
                actions=(EditFiles(edits=_limit(limit, 99), subject="CalibrationOff only cries wolf"),),
                leaves="worse",
                convicted_by=heard.name,
                why="The alert no longer fires when late flights are off by a factor of five.",
            ),
            WrongFix(
                name="mute-the-alerts",
                actions=(MuteAlert(),),
                leaves="worse",
                convicted_by=heard.name,
                why="Nobody is told of anything for a day.",
                cheat=True,
            ),
            WrongFix(
                name="delete-the-late-arrivals",
                actions=(DeleteData(path="warehouse/arrivals/*-2*.parquet"),),
                leaves="worse",
                convicted_by=whole.name,
                why="The figure recovers because its labels are gone, and so is what the next training needs.",
                cheat=True,
            ),
            WrongFix(
                name="stop-serving",
                actions=(StopWorldTraffic(),),
                leaves="worse",
                convicted_by=alive.name,
                why="Nobody gets a prediction.",
                cheat=True,
            ),
        ),
    )


FAULT = Fault(
    id="tightened_alert",
    title="Nothing is broken: a bad week meets an alert that was set too tight",
    layer="control",
    levels=("mid", "senior"),
    symptom="An alert about calibration fires day after day: more flights are late than announced, by a quarter or a "
    "half. Inputs, scores, ages, parity and latency are as ever.",
    symptom_budget_seconds=420,
    parameters={"limit": Choice(of=(0.25, 0.27, 0.29)), "reason": Choice(of=tuple(REASONS))},
    plan=plan,
    truth=(
        "CalibrationOff fires, and the landed flights are later than their scores said: the week is a bad one at all "
        "three airports.",
        "The served scores are what the champion gives on true, fresh features; neither inputs, nor parity, nor the "
        "comparison with the previous champion on the same flights have moved. Weeks like this one have passed before.",
        "Nothing is broken. The limit of CalibrationOff had been lowered from 1.2 to {limit}, below what healthy weeks "
        "show; at 1.2 nobody would have been called.",
    ),
    accepts=(
        Accepted(component="none", failure_class="nothing_is_broken"),
        Accepted(component="monitoring", failure_class="misconfiguration", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that the platform is healthy and shows it: the path (parity, ages, nulls), the model (paired "
            "with the previous champion on the same flights), and that such weeks happen. It may add that the limit "
            "was lowered.",
            samples=(
                "Parity is zero, ages are minutes, the paired log loss is flat: it is a bad week, and the alert's "
                "limit was cut to a quarter of what it was.",
                "Nothing is broken: scores match the true features, both models miss by the same, and last Thursday "
                "was as bad. Only the threshold changed.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says healthy without showing it, or names the lowered limit without saying whether anything "
            "behind it is broken.",
            samples=(
                "I think it is just a bad week.",
                "Somebody lowered the threshold of CalibrationOff, so it fires.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It calls the week a drift that needs a retraining, or blames model, features, upstream or serving.",
            samples=(
                "The data has drifted; the model must be retrained on the last week.",
                "The new champion is badly calibrated, so we should roll back.",
            ),
        ),
    ),
    hints=(
        "What exactly does the alert compare with what, over which time, and what is usual for that figure? Where does "
        "its limit come from?",
        "Split the question: is the score what the model should say on true features, and is the model worse than the "
        "one before it on the same flights? Which panels answer the one, which the other?",
        "Put last week's days beside today's: how often has the figure been this far off while all was well? And since "
        "when is the limit what it is?",
    ),
    rubric=(
        "Separates path, model and world, and shows each to be well with a signal that could have come out otherwise.",
        "Compares with healthy days instead of with zero.",
        "Reads an alert's limit and history before obeying it.",
        "Leaves the platform as good as it was: no rollback, retraining or deploy 'to be safe'.",
        "Says it plainly: nothing is broken, and what would change their mind.",
    ),
    must_notice=(
        "Parity, ages, nulls and latency are as ever.",
        "On the same flights the previous champion misses by as much.",
        "Days as bad as these have passed in the last two weeks without anything being broken.",
        "The alert's limit was lowered to {limit}, below what healthy weeks show.",
    ),
    evidence=("prometheus", "dashboards", "reports", "mlflow", "git"),
)
