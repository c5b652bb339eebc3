"""Scoring fails on almost every request, and a prior answers in the champion's name: 200, and not degraded."""

from __future__ import annotations

from brownout.faults.actions import (
    AirflowTrigger,
    DeleteData,
    EditFiles,
    GitRevert,
    MlflowAlias,
    RestartComponent,
)
from brownout.faults.cheats import silencing
from brownout.faults.edits import Edit
from brownout.faults.injectors import CodeCommit
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ServedScorePath

PREDICTOR, RULES = "serving/predictor.py", "monitoring/prometheus/rules/features.yml"

SCORED = """\
        probabilities = champion.scorer.score(features.matrix)
        versions = [champion.name] * len(flights)
"""
IMPORTS = """\
from ontime.contract import ScheduledFlight
from ontime.scorer import Matrix, Probabilities
"""
LOGGED_IMPORTS = "import time\nfrom collections.abc import Sequence\n"
ANSWERS = """\
@dataclass(frozen=True, slots=True)
class Answers:
"""

PRIORS = {
    "route": "np.array([self._prior_of(features, i) for i in range(len(flights))])",
    "overall": "np.full(len(flights), self._prior)",
}

CHECKS = {
    "ranges": (
        "_in_range",
        '''\
LOWEST = np.array([feature.low for feature in FEATURES], np.float32)
HIGHEST = np.array([feature.high for feature in FEATURES], np.float32)


def _in_range(matrix: Matrix) -> Matrix:
    """The matrix, when the contract allows its values. Raises `ValueError` when not."""
    if not np.all((matrix >= LOWEST) & (matrix <= HIGHEST)):
        raise ValueError("a value leaves its feature's range")
    return matrix


''',
    ),
    "finite": (
        "_finite",
        '''\
def _finite(matrix: Matrix) -> Matrix:
    """The matrix, when all of its values are numbers. Raises `ValueError` when not."""
    checked: Matrix = np.asarray_chkfinite(matrix)
    return checked


''',
    ),
    "total": (
        "_countable",
        '''\
def _countable(matrix: Matrix) -> Matrix:
    """The matrix, when no value of it overflows. Raises `ValueError` when one does."""
    if not np.isfinite(matrix.sum(axis=1, dtype=np.float64)).all():
        raise ValueError("a value overflows")
    return matrix


''',
    ),
}
TOLERANT = {
    "ranges": Edit(
        path=PREDICTOR,
        old="if not np.all((matrix >= LOWEST) & (matrix <= HIGHEST)):",
        new="if not np.all(np.isnan(matrix) | ((matrix >= LOWEST) & (matrix <= HIGHEST))):",
    ),
    "finite": Edit(
        path=PREDICTOR,
        old="    checked: Matrix = np.asarray_chkfinite(matrix)\n    return checked\n",
        new='    if np.isinf(matrix).any():\n        raise ValueError("a value is infinite")\n    return matrix\n',
    ),
    "total": Edit(
        path=PREDICTOR,
        old="if not np.isfinite(matrix.sum(axis=1, dtype=np.float64)).all():",
        new="if np.isinf(matrix).any():",
    ),
}
SUBJECTS = {
    "ranges": "Serving: check the contract's ranges before scoring",
    "finite": "Serving: score finite numbers only",
    "total": "Serving: one overflow must not cost a whole board",
}
BODIES = {
    "ranges": "Training refuses values that leave the contract's ranges; serving scored whatever it had read.",
    "finite": "A division by nothing upstream would have reached the model last week. Out of the way of the hot path.",
    "total": "A board is one matrix: a single overflowing sum failed all of its flights in the replay of last Sunday.",
}


def _swallowed(check: str, prior: str) -> str:
    return f"""\
        try:
            probabilities = champion.scorer.score({check}(features.matrix))
        except ValueError as error:
            log.debug("scoring by prior: %s", error)
            probabilities = {PRIORS[prior]}
        versions = [champion.name] * len(flights)
"""


def _culprit(variant: str, prior: str) -> tuple[Edit, ...]:
    """The refactoring: a check in front of the scorer, and an except that answers as if nothing had been the matter."""
    check, function = CHECKS[variant]
    logger = 'log = logging.getLogger("ontime.serving.predictor")\n\n\n'
    edits = [
        Edit(path=PREDICTOR, old=LOGGED_IMPORTS, new=f"import logging\n{LOGGED_IMPORTS}"),
        Edit(path=PREDICTOR, old=ANSWERS, new=logger + function + ANSWERS),
        Edit(path=PREDICTOR, old=SCORED, new=_swallowed(check, prior)),
    ]
    if variant == "ranges":
        edits.append(Edit(path=PREDICTOR, old=IMPORTS, new=IMPORTS.replace("import Sched", "import FEATURES, Sched")))
    return tuple(edits)


def plan(parameters: Parameters) -> Plan:
    variant, prior = str(parameters["check"]), str(parameters["prior"])
    subject, (check, _) = SUBJECTS[variant], CHECKS[variant]
    swallowed = _swallowed(check, prior)
    path = ServedScorePath()
    checked = f"champion.scorer.score({check}(features.matrix))"
    unchecked = Edit(path=PREDICTOR, old=swallowed, new=SCORED)
    raised = Edit(
        path=PREDICTOR,
        old=swallowed,
        new=f"        probabilities = {checked}\n        versions = [champion.name] * len(flights)\n",
    )
    honest = Edit(
        path=PREDICTOR,
        old=swallowed,
        new=swallowed.replace(
            f"            probabilities = {PRIORS[prior]}\n",
            '            return self._priors(features, [["not_scored", *found] for found in features.reasons])\n',
        ).replace("log.debug", "log.warning"),
    )
    return Plan(
        injections=(
            CodeCommit(subject=subject, body=BODIES[variant], role="platform-engineer", edits=_culprit(variant, prior)),
        ),
        symptom=path,
        root_cause=(path,),
        solutions=(Repair(name="revert-the-commit", actions=(GitRevert(subject=subject),)),),
        valid_fixes=(
            Repair(
                name="missing-values-are-values",
                actions=(EditFiles(edits=(TOLERANT[variant],), subject="Serving: a missing value is no error"),),
            ),
            Repair(
                name="score-what-is-there",
                actions=(EditFiles(edits=(unchecked,), subject="Serving: the model takes missing values itself"),),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="restart-serving-and-hope",
                actions=(RestartComponent(component="serving"),),
                convicted_by=path.name,
                why="The same code makes the same decision.",
                mutates=False,
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=path.name,
                why="No model is asked, so none is to blame.",
            ),
            WrongFix(
                name="retrain",
                actions=(AirflowTrigger(dag="train_model"),),
                convicted_by=path.name,
                why="A new model is asked as rarely as the old one.",
            ),
            WrongFix(
                name="say-degraded-and-leave-it",
                actions=(EditFiles(edits=(honest,), subject="Serving: say when the prior answers"),),
                convicted_by=path.name,
                why="The answers are honest now, and still not the model's.",
            ),
            WrongFix(
                name="raise-what-was-swallowed",
                actions=(EditFiles(edits=(raised,), subject="Serving: do not swallow errors of scoring"),),
                convicted_by=path.name,
                why="The cause is visible now, as an outage: nearly every question is answered with 500.",
            ),
            WrongFix(
                name="loosen-the-alert",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(
                                path=RULES,
                                old="max(ontime_parity_score_shift) > ",
                                new="max(ontime_parity_score_shift) / 25 > ",
                            ),
                        ),
                        subject="Alerts: scores may differ from the recomputed ones",
                    ),
                ),
                convicted_by=path.name,
                why="The alert is quiet and the scores are what they were.",
                cheat=True,
            ),
            WrongFix(
                name="delete-the-prediction-log",
                actions=(DeleteData(path="warehouse/predictions/*.parquet"),),
                convicted_by=path.name,
                why="The platform has nothing to compare any more; the world still has its answers.",
                cheat=True,
            ),
            *silencing(path.name),
        ),
    )


FAULT = Fault(
    id="silent_fallback",
    title="The prior answers in the champion's name behind a swallowed exception",
    layer="serving",
    levels=("mid",),
    symptom="Every answer is a 200 of the champion's and none is degraded, yet scores hardly differ between flights "
    "and no longer follow delays.",
    symptom_budget_seconds=120,
    parameters={"check": Choice(of=tuple(CHECKS)), "prior": Choice(of=tuple(PRIORS))},
    plan=plan,
    truth=(
        "Scores are nearly constant: boards show the same low chance of delay for every flight, whatever the day does; "
        "status codes, latencies, feature ages and `degraded` are as always.",
        "The logged features are right, and the champion run on them gives other scores than were served: what was "
        "served is the {prior} late rate, in the champion's name.",
        "Scoring raises a ValueError for every matrix that holds a missing value (no gust, no earlier flight of the "
        "aircraft), which nearly all do; the exception is swallowed at debug level and `degraded` stays false.",
        "A refactoring of the predictor put a check ('{check}') in front of the scorer that takes missing values for "
        "bad ones, inside a try that falls back without a reason.",
    ),
    accepts=(
        Accepted(component="serving", failure_class="hidden_errors"),
        Accepted(component="serving", failure_class="training_serving_skew", verdict="partial"),
        Accepted(component="serving", failure_class="misconfiguration", verdict="partial"),
        Accepted(component="monitoring", failure_class="hidden_errors", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that serving falls back to a prior on an exception that it swallows, without saying "
            "degraded, and what raises it: the new check refuses missing values.",
            samples=(
                "The range check raises on NaN, the except answers with the route's rate and the champion's version.",
                "Since the predictor commit every board with one null ends in `except ValueError` and gets the prior, "
                "with reasons empty.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says that answers are not the champion's (constant, the prior), without the swallowed exception.",
            samples=(
                "Serving returns the prior for almost everything although the model is loaded.",
                "Served scores do not match the champion on the logged features; something in serving replaces them.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the model, the season, missing or stale features, or the store.",
            samples=(
                "The champion has collapsed, we need to retrain or roll back.",
                "The fresh features must be missing, the scores do not react to delays.",
            ),
        ),
    ),
    hints=(
        "How much do the scores of one board differ from each other, today and last week? Do they move with anything?",
        "Take a row of the prediction log and run the champion on its features. What does it say, what was served, and "
        "which of the row's other columns equals what was served?",
        "When does serving answer without the model, and how would it say so? Read the predictor's way from features "
        "to answer, and what happens on it to a row with a missing value.",
    ),
    rubric=(
        "Does not take 200 and `degraded: false` for health; looks at the scores themselves.",
        "Splits features from scoring: runs the champion on logged features.",
        "Finds why it raises (missing values), not only that it is swallowed.",
        "Leaves a fallback that says so, or none.",
    ),
    must_notice=(
        "The scores of different flights are nearly the same; errors, latencies and `degraded` say nothing.",
        "The logged features are right: the champion gives other scores on them than were served.",
        "What was served is a late rate that serving keeps as a fallback.",
        "The exception is raised by missing values, which are normal, and leaves no reason behind.",
    ),
    evidence=("prometheus", "dashboards", "serving", "warehouse", "git"),
)
