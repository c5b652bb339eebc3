"""Serving's readiness probe asks what is true long before serving answers: every new pod takes over too soon."""

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
from brownout.probes import RolloutUnnoticed

ASKS = {
    "the model's files": "import os; os.stat('/state/serving/models/last-good.json')",
    "the registry": "import socket; socket.create_connection(('mlflow', 7103), 3)",
}
"""Both are true when a pod starts: the files of the model before lie there, and the registry answers. Both import next
to nothing, so that they are done long before serving is."""
STARTUP = {
    "httpGet": {"path": "/healthz", "port": "http"},
    "periodSeconds": 2,
    "timeoutSeconds": 3,
    "failureThreshold": 90,
}
READINESS = {
    "exec": None,
    "httpGet": {"path": "/readyz", "port": "http"},
    "periodSeconds": 5,
    "timeoutSeconds": 4,
    "failureThreshold": 3,
}
"""As the manifest in git has them."""


def plan(parameters: Parameters) -> Plan:
    command = ["python3", "-I", "-c", ASKS[str(parameters["asks"])]]
    unnoticed = RolloutUnnoticed()
    return Plan(
        injections=(
            ContainerChanged(
                component="serving",
                fields={
                    "startupProbe": None,
                    "readinessProbe": {"httpGet": None, "exec": {"command": command}, "periodSeconds": 1},
                },
            ),
        ),
        symptom=unnoticed,
        root_cause=(unnoticed,),
        solutions=(
            Repair(
                name="the-probes-of-the-manifest-again",
                actions=(
                    ChangeContainer(component="serving", fields={"startupProbe": STARTUP, "readinessProbe": READINESS}),
                ),
            ),
        ),
        valid_fixes=(
            Repair(name="undo-the-rollout", actions=(UndoRollout(component="serving"),)),
            Repair(
                name="ask-serving-itself",
                actions=(ChangeContainer(component="serving", fields={"readinessProbe": READINESS}),),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="restart-serving-and-hope",
                actions=(RestartComponent(component="serving"),),
                convicted_by=unnoticed.name,
                why="A restart is one more roll-out, with one more gap.",
            ),
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                convicted_by=unnoticed.name,
                why="Whichever model it is: the next pod takes over before it has loaded it.",
            ),
            WrongFix(
                name="keep-the-old-pod-longer",
                actions=(
                    ChangeContainer(component="serving", fields={"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}),
                ),
                convicted_by=unnoticed.name,
                why="The old pod lives on and is asked nothing: the new one is called ready.",
            ),
            WrongFix(
                name="more-cpu",
                actions=(ChangeContainer(component="serving", fields={"resources": {"limits": {"cpu": "3"}}}),),
                convicted_by=unnoticed.name,
                why="It starts no sooner than its imports, and traffic comes before them.",
            ),
            WrongFix(
                name="kill-the-pod",
                actions=(KillComponent(component="serving"),),
                convicted_by=unnoticed.name,
                why="Its successor is called ready too soon as well.",
                cheat=True,
                mutates=False,
            ),
            *silencing(unnoticed.name),
        ),
    )


FAULT = Fault(
    id="eager_readiness",
    title="Serving's readiness probe says yes while the model is still being loaded",
    layer="platform",
    levels=("mid",),
    runtime="kind",
    symptom="Whenever serving's pod is replaced, at every promotion's restart and every deploy, requests are lost "
    "for some seconds; between that, nothing is wrong.",
    symptom_budget_seconds=240,
    parameters={"asks": Choice(of=tuple(ASKS))},
    plan=plan,
    truth=(
        "For some seconds of every roll-out requests are refused or wait; then all is well until the next one.",
        "Kubernetes calls the new pod ready as soon as its container runs and ends the old one, although the new one "
        "still imports and loads its model.",
        "The readiness probe asks for {asks} and no longer for serving's own word, and the startup probe is gone; the "
        "manifest in git asks /readyz.",
    ),
    accepts=(
        Accepted(component="runtime", failure_class="misconfiguration"),
        Accepted(component="serving", failure_class="misconfiguration"),
        Accepted(component="runtime", failure_class="hidden_errors", verdict="partial"),
        Accepted(component="serving", failure_class="hidden_errors", verdict="partial"),
        Accepted(component="serving", failure_class="slow_model", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that serving's readiness probe succeeds before serving answers, so traffic comes too soon.",
            samples=(
                "The readiness probe no longer asks /readyz; the new pod is Ready while it still loads the model.",
                "Pods are marked ready at once and the old one goes away, so requests hit a server that is not there.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says that requests fail while serving's pods are replaced, and not why.",
            samples=(
                "Errors come in bursts, each at a rollout of serving.",
                "Every restart of serving loses some seconds of traffic.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the model, the registry, the feature store or the network.",
            samples=("The new champion crashes at first.", "MLflow is too slow to hand out the model."),
        ),
    ),
    hints=(
        "When do the errors come, and what else happens at those moments?",
        "What does Kubernetes wait for before it sends requests to a new pod and ends the old one?",
        "Compare the probes of the live deployment with the manifest in git, and watch a pod's Ready against its log.",
    ),
    rubric=(
        "Sees that the errors belong to roll-outs and not to a version.",
        "Knows what readiness decides, and what startup and liveness decide instead.",
        "Shows the gap between Ready and the first answer before repairing it.",
        "Says how it will not happen again: the manifest applied from git, a roll-out under traffic in CI.",
    ),
    must_notice=(
        "Errors come only while a pod of serving is replaced.",
        "The new pod is Ready seconds before its log says that a model is served.",
        "The deployment's probes are not those of the manifest.",
    ),
    evidence=("prometheus", "dashboards", "logs", "git"),
)
