"""A bagged champion with a hundred times the trees, let through by a loosened gate and made worse by thread options."""

from __future__ import annotations

from brownout.faults.actions import (
    EditFiles,
    GitRevert,
    KillComponent,
    MlflowAlias,
    OntimeCommand,
    RestartComponent,
)
from brownout.faults.cheats import silencing
from brownout.faults.edits import Edit
from brownout.faults.injectors import ConfigChange, ModelPromotion
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.models import Recipe
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ClientLatency, GateRefuses, ModelCost

CONFIG = "ontime.toml"
HEALTHY_LIMIT = 8.0
GATE_SUBJECTS = {
    "headroom": "Gates: room for larger ensembles",
    "flaky": "Gates: latency ratio was flaky on the shared runner",
    "relative": "Gates: judge latency by the budget, not by the small reference",
}
THREADS_SUBJECT = "Serving: let ONNX Runtime use more threads on batches"


def _limit(value: float) -> Edit:
    return Edit(path=CONFIG, old=f"max_latency_ratio = {HEALTHY_LIMIT}\n", new=f"max_latency_ratio = {value}\n")


LATENCY = ClientLatency(size="batch", objective_ms=60.0)


def plan(parameters: Parameters) -> Plan:
    limit, threads = float(parameters["limit"]), int(parameters["threads"])
    subject = GATE_SUBJECTS[str(parameters["reason"])]
    gate = ConfigChange(
        subject=subject,
        body="The quality gate decides; a better model may cost more.",
        role="ml-engineer",
        edits=(_limit(limit),),
    )
    options = ConfigChange(
        subject=THREADS_SUBJECT,
        role="platform-engineer",
        edits=(
            Edit(path=CONFIG, old="intra_op_threads = 1\n", new=f"intra_op_threads = {threads}\n"),
            Edit(path=CONFIG, old="allow_spinning = false\n", new="allow_spinning = true\n"),
        ),
    )
    latency, cost, refuses = LATENCY, ModelCost(), GateRefuses()
    back = OntimeCommand(args=("registry", "rollback"))
    tighten = EditFiles(edits=(_limit(limit).reversed,), subject="Gates: the latency budget is back")
    one_thread = EditFiles(
        edits=tuple(edit.reversed for edit in options.edits), subject="Serving: one thread a session, no spinning"
    )
    return Plan(
        injections=(
            gate,
            options,
            ModelPromotion(
                recipe=Recipe(bags=int(parameters["bags"])),
                description="Bagged ensemble: steadier scores, slightly better log loss on the held-out days",
            ),
        ),
        symptom=latency,
        root_cause=(cost, refuses),
        solutions=(
            Repair(
                name="roll-back-and-restore-gate-and-options",
                actions=(back, GitRevert(subject=THREADS_SUBJECT), GitRevert(subject=subject)),
            ),
        ),
        valid_fixes=(
            Repair(
                name="alias-by-hand-and-tighter-gate",
                actions=(
                    MlflowAlias(alias="champion", to="previous"),
                    one_thread,
                    EditFiles(
                        edits=(
                            Edit(path=CONFIG, old=f"max_latency_ratio = {limit}\n", new="max_latency_ratio = 12.0\n"),
                        ),
                        subject="Gates: a latency budget that a bagged ensemble cannot meet",
                    ),
                ),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="roll-back-only",
                actions=(back, one_thread),
                leaves="mitigated",
                convicted_by=refuses.name,
                why="The next training run may promote the like of it again: the gate still lets it pass.",
            ),
            WrongFix(
                name="gate-only",
                actions=(tighten,),
                convicted_by=cost.name,
                why="What was let in stays in.",
            ),
            WrongFix(
                name="options-only",
                actions=(one_thread,),
                convicted_by=cost.name,
                why="The threads stop fighting; every batch still walks a hundred times the trees.",
            ),
            WrongFix(
                name="more-threads",
                actions=(
                    EditFiles(
                        edits=(
                            Edit(path=CONFIG, old=f"intra_op_threads = {threads}\n", new="intra_op_threads = 24\n"),
                        ),
                        subject="Serving: more threads for large batches",
                    ),
                ),
                convicted_by=cost.name,
                why="Two cores do not become more.",
            ),
            WrongFix(
                name="restart-serving-and-hope",
                actions=(RestartComponent(component="serving"),),
                convicted_by=cost.name,
                why="It loads the same champion.",
                mutates=False,
            ),
            WrongFix(
                name="kill-serving",
                actions=(KillComponent(component="serving"),),
                convicted_by=cost.name,
                why="The runtime starts it again with the same champion.",
                cheat=True,
                mutates=False,
            ),
            *silencing(cost.name),
        ),
    )


FAULT = Fault(
    id="oversized_champion",
    title="A champion a hundred times too large passed a loosened latency gate",
    layer="serving",
    levels=("mid",),
    symptom="Batch predictions take many times as long as last week, without a single error; quality is a hair better.",
    symptom_budget_seconds=300,
    parameters={
        "bags": Choice(of=(80, 100)),
        "threads": Choice(of=(8, 16)),
        "limit": Choice(of=(250.0, 400.0)),
        "reason": Choice(of=tuple(GATE_SUBJECTS)),
    },
    plan=plan,
    truth=(
        "Batches take many times as long as before, singles too, with no error and no wrong score.",
        "The time is spent in the model: the champion is a bagged ensemble of {bags} boosters, and {threads} spinning "
        "threads fight for two cores while it runs.",
        "It became champion because the latency gate's limit had been raised to {limit} times the reference.",
    ),
    accepts=(
        Accepted(component="registry", failure_class="bad_promotion"),
        Accepted(component="registry", failure_class="slow_model"),
        Accepted(component="serving", failure_class="slow_model"),
        Accepted(component="train_model", failure_class="bad_promotion"),
        Accepted(component="train_model", failure_class="slow_model"),
        Accepted(component="serving", failure_class="misconfiguration", verdict="partial"),
        Accepted(component="serving", failure_class="resource_limit", verdict="partial"),
        Accepted(component="registry", failure_class="misconfiguration", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that the champion is far too large or slow *and* that the loosened latency gate let it pass.",
            samples=(
                "The new champion has 20,000 trees; max_latency_ratio was raised, so the gate waved it through.",
                "Batch latency comes from the bagged version, promoted after the latency gate had been loosened.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It names the slow model without the gate, or the thread options alone.",
            samples=(
                "The current champion is much slower than the one before.",
                "ONNX Runtime runs with too many spinning threads for this machine.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the feature store, the network, traffic, or the machine.",
            samples=("The online store has become slow.", "There is too much traffic for one worker."),
        ),
    ),
    hints=(
        "Where is the time spent: reading features, running the model, or waiting? What changed there last?",
        "Compare the champion with the version before it: size of the file, number of trees, what the gates measured.",
        "By how much did the latency gate let it pass, who set that limit and when? And how many threads does serving "
        "give a session on two cores?",
    ),
    rubric=(
        "Mitigates first (rolls the alias back), then looks for why it could happen.",
        "Finds the gate, not only the model.",
        "Checks that a healthy version still passes the repaired gate.",
        "Sees the thread options as an amplifier, not the cause.",
    ),
    must_notice=(
        "The time is spent in the model, not in reading features.",
        "The champion's file and number of trees are a hundred times those of the version before.",
        "The limit of the latency gate was raised before the promotion.",
        "Serving's thread options make it worse, and are not the cause.",
    ),
    evidence=("prometheus", "dashboards", "mlflow", "serving", "git"),
)
