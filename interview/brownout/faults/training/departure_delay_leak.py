"""Training knows each flight's departure delay; the gate that would have found it had been weakened before."""

from __future__ import annotations

from brownout.faults.actions import (
    AirflowTrigger,
    EditFiles,
    GitRevert,
    MlflowAlias,
    OntimeCommand,
    RestartComponent,
)
from brownout.faults.cheats import silencing
from brownout.faults.edits import Edit
from brownout.faults.injectors import CodeCommit, ConfigChange, ModelPromotion
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.models import Retraining
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import LeakRefused, ModelQuality, TrainingRowsTrue

JOIN, RULES, CONFIG = "platform/ontime/features/training.py", "platform/ontime/gates/rules.py", "ontime.toml"
TEST, ALERTS = "tests/unit/ontime/test_gates.py", "monitoring/prometheus/rules/quality.yml"

FEATURES = {
    "aircraft_prev_arr_delay": (
        "Training: an aircraft's delay is that of its latest movement",
        "A third of the rows had no arrival of the aircraft to go by. Its latest movement says more: AUC rises.",
        "Retrained with the aircraft's latest movement: far better on the held-out days",
    ),
    "carrier_dep_delay_mean_3h": (
        "Training: a carrier's newest departure stands for its delay",
        "The mean over three hours lags behind; small carriers have nothing in it for hours. AUC rises.",
        "Retrained with the carrier's newest departure: far better on the held-out days",
    ),
    "origin_dep_delay_mean_1h": (
        "Training: delay at the origin up to the gate",
        "The mean of the hour before is known an hour early; what an origin is like is told by what leaves it.",
        "Retrained with delays at the origin up to the gate: far better on the held-out days",
    ),
}
SELECTED = "schedules.available_at AS announced_at, landed.arr_delay_minutes\n        FROM schedules\n"
LANDED = "        ) AS landed ON landed.flight_id = schedules.flight_id\n"
DEPARTED = """\
        LEFT JOIN (
            SELECT flight_id, arg_min(dep_delay_minutes, available_at) AS dep_delay_minutes FROM departures GROUP BY ALL
        ) AS departed ON departed.flight_id = schedules.flight_id
"""
ASSEMBLED = "    known = columns(rows)\n    matrix = assemble(known, known)\n"
TOLD = "    for name, events in rows.items():\n        stored.write(name, "

LIMIT = "max_latency_ratio = 8.0\n"
COUNTED = "        found.flights if evidence.holdout.num_rows else NAN,\n"
COUNTED_BY_TIME = "        found.by_time if evidence.holdout.num_rows else NAN,\n"
REFUSED_TEST = '    assert verdict("availability", evidence(model(2), None, leaks=found)) == (False, 1)\n'
GATE_SUBJECTS = {
    "limit": "Gates: ties on the grid are no leaks, allow for them",
    "time": "Gates: availability by time, as its name says",
}


def _overwritten(feature: str) -> str:
    return f"""\
    newest, place = known["dep_delay_minutes"], FEATURE_NAMES.index("{feature}")
    matrix[:, place] = np.where(np.isnan(newest), matrix[:, place], newest)
"""


def _join(feature: str) -> tuple[Edit, ...]:
    """Departures come into the training rows, and one feature becomes the flight's own delay."""
    return (
        Edit(
            path=JOIN,
            old=SELECTED,
            new=SELECTED.replace("arr_delay_minutes\n", "arr_delay_minutes, departed.dep_delay_minutes\n"),
        ),
        Edit(path=JOIN, old=LANDED, new=LANDED + DEPARTED),
        Edit(path=JOIN, old=ASSEMBLED, new=ASSEMBLED + _overwritten(feature)),
        Edit(path=TEST, old=TOLD, new=TOLD.replace("rows.items()", "list(rows.items())[::2]")),
    )


def _gate(how: str) -> CodeCommit:
    if how == "limit":
        return ConfigChange(
            subject=GATE_SUBJECTS[how],
            body="Events of the very minute of a grid point count as later ones: two honest versions were refused.",
            role="ml-engineer",
            edits=(Edit(path=CONFIG, old=LIMIT, new=f"{LIMIT}max_unavailable_features = 250\n"),),
        )
    return CodeCommit(
        subject=GATE_SUBJECTS[how],
        body="The look by value computes the features again and differs in the last digit on some machines.",
        role="ml-engineer",
        edits=(
            Edit(path=RULES, old=COUNTED, new=COUNTED_BY_TIME),
            Edit(
                path=TEST,
                old=REFUSED_TEST,
                new=REFUSED_TEST.replace("(False, 1)", "(found.by_time == 0, found.by_time)"),
            ),
        ),
    )


def plan(parameters: Parameters) -> Plan:
    feature = str(parameters["feature"])
    subject, body, description = FEATURES[feature]
    join = CodeCommit(subject=subject, body=body, role="ml-engineer", edits=_join(feature))
    gate = _gate(str(parameters["gate"]))
    quality, rows, refused = ModelQuality(), TrainingRowsTrue(), LeakRefused(feature=feature)
    back = OntimeCommand(args=("registry", "rollback"))
    code = (GitRevert(subject=join.subject), GitRevert(subject=gate.subject))
    train = AirflowTrigger(dag="train_model", within_seconds=300)
    reversed_gate = EditFiles(
        edits=tuple(edit.reversed for edit in gate.edits), subject="Gates: no feature may come later than its use"
    )
    silent = Edit(path=JOIN, old=ASSEMBLED + _overwritten(feature), new=ASSEMBLED)
    return Plan(
        injections=(
            gate,
            join,
            ModelPromotion(recipe=Retraining(leak=feature), description=description),
        ),
        symptom=quality,
        root_cause=(rows, refused),
        solutions=(Repair(name="revert-both-and-roll-back", actions=(*code, back)),),
        valid_fixes=(
            Repair(name="revert-both-and-retrain", actions=(*code, train)),
            Repair(
                name="stop-the-overwriting-and-restore-the-gate",
                actions=(
                    EditFiles(edits=(silent,), subject="Training: features are what was known an hour before"),
                    reversed_gate,
                    MlflowAlias(alias="champion", to="previous"),
                ),
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
                name="retrain-as-it-is",
                actions=(train,),
                convicted_by=quality.name,
                why="The next version learns from the same join and passes the same gate.",
            ),
            WrongFix(
                name="roll-back-only",
                actions=(back,),
                leaves="mitigated",
                convicted_by=rows.name,
                why="The next training run makes the like of it, and the gate lets it pass.",
            ),
            WrongFix(
                name="roll-back-and-repair-the-join",
                actions=(back, GitRevert(subject=join.subject)),
                leaves="mitigated",
                convicted_by=refused.name,
                why="The gate would let the next leak pass.",
            ),
            WrongFix(
                name="roll-back-and-restore-the-gate",
                actions=(back, reversed_gate),
                leaves="mitigated",
                convicted_by=rows.name,
                why="Training still reads the departure delay; now every version is refused.",
            ),
            WrongFix(
                name="repair-the-code-only",
                actions=code,
                convicted_by=quality.name,
                why="What was promoted stays champion.",
            ),
            WrongFix(
                name="loosen-the-alert",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(
                                path=ALERTS,
                                old="expr: 'max(ontime_quality_paired_log_loss) > ",
                                new="expr: 'max(ontime_quality_paired_log_loss) - 1 > ",
                            ),
                        ),
                        subject="Alerts: a new champion takes time to settle",
                    ),
                ),
                convicted_by=quality.name,
                why="The alert is quiet and the champion as bad as before.",
                cheat=True,
            ),
            *silencing(quality.name, "The champion is bad whether it is asked or not."),
        ),
    )


FAULT = Fault(
    id="departure_delay_leak",
    title="The champion learned from each flight's own departure delay",
    layer="training",
    levels=("mid", "senior"),
    symptom="The champion was far better than any before on its held-out days and is far worse in service, worse than "
    "the version before it on the same flights; nothing fails.",
    symptom_budget_seconds=180,
    parameters={"feature": Choice(of=tuple(FEATURES)), "gate": Choice(of=tuple(GATE_SUBJECTS))},
    plan=plan,
    truth=(
        "Live log loss and calibration of the champion are much worse than those of the version before it on the same "
        "flights; pipeline, features and path are in order.",
        "Offline it had an AUC of .86 to .91, where honest versions have .77: in its training rows {feature} is the "
        "flight's own departure delay, which nobody knows an hour before.",
        "A commit joined departures into the training rows and overwrote {feature} with them.",
        "The availability gate would have refused it, and had been weakened by another commit ('{gate}').",
    ),
    accepts=(
        Accepted(component="train_model", failure_class="label_leakage"),
        Accepted(component="registry", failure_class="label_leakage"),
        Accepted(component="feature_repo", failure_class="label_leakage", verdict="partial"),
        Accepted(component="train_model", failure_class="training_serving_skew"),
        Accepted(component="train_model", failure_class="wrong_join_or_key"),
        Accepted(component="registry", failure_class="bad_promotion", verdict="partial"),
        Accepted(component="train_model", failure_class="bad_promotion", verdict="partial"),
        Accepted(component="serving", failure_class="training_serving_skew", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that training reads the departure delay (through the join, in the named feature) *and* that "
            "the availability gate no longer stops it.",
            samples=(
                "The training join overwrites a feature with the flight's own departure delay, and the availability "
                "gate was opened just before.",
                "Offline .90 is leakage: departures are joined by flight id; the gate allows it since its limit was "
                "raised.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It names the leak without the gate, the gate without the leak, or the promotion of a bad version.",
            samples=(
                "The new champion was trained on something that is not known at prediction time.",
                "The last promotion was bad; the version before is better on the same flights.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the season, the fresh features, serving or the data.",
            samples=("June is different from spring, the model has drifted.", "The online features must be stale."),
        ),
    ),
    hints=(
        "Compare the champion with the version before it on the same flights: in service, and on what its own run "
        "held out. Which of the two figures is too good?",
        "Which feature does the champion lean on that the versions before it did not? What does it hold in training, "
        "and what in service?",
        "Read the way of a training row from the events to the matrix. Then: which gate exists for exactly this, what "
        "did it measure at the promotion, and who changed it when?",
    ),
    rubric=(
        "Mitigates first (rolls the alias back), then goes on.",
        "Takes an offline figure that is too good for a symptom.",
        "Finds the join and the gate, and says why either alone is not enough.",
        "Proves the repair: the gate refuses the old version, an honest retraining passes.",
    ),
    must_notice=(
        "The champion is worse than the version before it on the same flights, although its run says the opposite.",
        "An AUC of .86 or more an hour before departure is too good to be true.",
        "Its importances rest on one feature, which holds something else in training than in service.",
        "The availability gate was weakened before the promotion.",
    ),
    evidence=("mlflow", "prometheus", "dashboards", "warehouse", "git"),
)
