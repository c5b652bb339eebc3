"""Serving's pod got a CPU limit of a fraction of a core: its use looks low because it may not use more."""

from __future__ import annotations

from brownout.faults.actions import (
    ChangeContainer,
    KillComponent,
    MlflowAlias,
    RestartComponent,
    UndoRollout,
)
from brownout.faults.cheats import silencing
from brownout.faults.injectors import ContainerChanged
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import ClientLatency, CpuThrottled

LATENCY = ClientLatency(size="batch", objective_ms=60.0)


def cpu(limit: str | None, request: str) -> dict[str, object]:
    return {"resources": {"limits": {"cpu": limit}, "requests": {"cpu": request}}}


def plan(parameters: Parameters) -> Plan:
    limit = str(parameters["limit"])
    latency, throttled = LATENCY, CpuThrottled()
    return Plan(
        injections=(ContainerChanged(component="serving", fields=cpu(limit, limit)),),
        symptom=latency,
        root_cause=(throttled,),
        solutions=(
            Repair(
                name="set-the-limit-of-the-manifest-again",
                actions=(ChangeContainer(component="serving", fields=cpu("2", "150m")),),
            ),
        ),
        valid_fixes=(
            Repair(name="undo-the-rollout", actions=(UndoRollout(component="serving"),)),
            Repair(
                name="no-limit-at-all",
                actions=(ChangeContainer(component="serving", fields=cpu(None, "150m")),),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="restart-serving-and-hope",
                actions=(RestartComponent(component="serving"),),
                convicted_by=throttled.name,
                why="The new pod has the same limit.",
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=throttled.name,
                why="The model before costs as much; what it may use is what is missing.",
            ),
            WrongFix(
                name="more-memory",
                actions=(ChangeContainer(component="serving", fields={"resources": {"limits": {"memory": "2Gi"}}}),),
                convicted_by=throttled.name,
                why="It is not memory that it waits for.",
            ),
            WrongFix(
                name="a-patient-readiness-probe",
                actions=(
                    ChangeContainer(
                        component="serving", fields={"readinessProbe": {"timeoutSeconds": 30, "failureThreshold": 10}}
                    ),
                ),
                convicted_by=throttled.name,
                why="Kubernetes waits longer, and so does everybody else.",
            ),
            WrongFix(
                name="kill-the-pod",
                actions=(KillComponent(component="serving"),),
                convicted_by=throttled.name,
                why="Its successor comes out of the same template.",
                cheat=True,
                mutates=False,
            ),
            *silencing(throttled.name),
        ),
    )


FAULT = Fault(
    id="starved_serving",
    title="Serving is held at a fraction of a core by its container's CPU limit",
    layer="platform",
    levels=("mid",),
    runtime="kind",
    symptom="Answers, whole boards above all, take many times as long as before, while serving's processor use is low "
    "and nothing fails.",
    symptom_budget_seconds=240,
    parameters={"limit": Choice(of=("55m", "60m"))},
    plan=plan,
    truth=(
        "Boards take many times as long as before: no error, no wrong score, no more traffic, low processor use.",
        "The model costs what it did: measured alone it is as fast as ever. Between the milliseconds in which serving "
        "runs it stands still; the kernel counts the periods in which it was held back.",
        "The container's CPU limit is {limit} since somebody changed the deployment; the manifest in git says 2 cores.",
    ),
    accepts=(
        Accepted(component="runtime", failure_class="resource_limit"),
        Accepted(component="serving", failure_class="resource_limit"),
        Accepted(component="runtime", failure_class="misconfiguration", verdict="partial"),
        Accepted(component="serving", failure_class="misconfiguration", verdict="partial"),
        Accepted(component="serving", failure_class="slow_model", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that serving's container is throttled at its CPU limit, and where that limit stands.",
            samples=(
                "The serving deployment has a CPU limit of a twentieth of a core; cpu.stat shows it throttled.",
                "Somebody set resources on serving: limits.cpu is far below the 2 cores in git, so it is throttled.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says that serving gets too little processor time and not why, or that the deployment was changed.",
            samples=(
                "Serving seems to wait for CPU although it uses hardly any.",
                "The live deployment of serving differs from the manifest in git.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the model, the feature store, traffic or the network.",
            samples=("The new champion is too slow.", "Redis answers slowly, so features take long."),
        ),
    ),
    hints=(
        "How long does the model take by itself, and how long does the answer take? Where does the rest go?",
        "Low use can mean that there is little to do, or that little is allowed. What may the container use?",
        "Compare the resources of the live deployment with the manifest in git, and read cpu.stat in the pod.",
    ),
    rubric=(
        "Does not take low processor use for a sign of health.",
        "Separates the time that the model takes from the time that the answer takes.",
        "Compares what runs with what is in git.",
        "Says how it will not happen again: the manifest applied from git, an alert on throttling.",
    ),
    must_notice=(
        "The model itself is as fast as before.",
        "Processor use is low and flat at one value, whatever the traffic.",
        "The deployment's resources are not those of the manifest.",
    ),
    evidence=("prometheus", "dashboards", "logs", "git"),
)
