"""Serving's memory limit was cut to what it used at rest: the next model does not fit in beside the one that serves."""

from __future__ import annotations

from brownout.faults.actions import (
    ChangeContainer,
    KillComponent,
    MlflowAlias,
    UndoRollout,
)
from brownout.faults.cheats import silencing
from brownout.faults.injectors import MemoryLimited, ModelPromotion
from brownout.faults.model import Accepted, Fault, Plan, Repair, When, WrongFix
from brownout.faults.models import Recipe
from brownout.faults.parameters import Choice, Parameters
from brownout.probes import SwapFits, WorldAlive


def memory(limit: str | None) -> dict[str, object]:
    return {"resources": {"limits": {"memory": limit}, "requests": {"memory": "300Mi"}}}


def plan(parameters: Parameters) -> Plan:
    alive, fits = WorldAlive(), SwapFits()
    return Plan(
        injections=(
            MemoryLimited(component="serving", spare_mib=int(parameters["spare_mib"])),
            ModelPromotion(
                recipe=Recipe(
                    bags=3, leaves=255, learning_rate=0.03, min_leaf_rows=8, row_share=0.6, seed=int(parameters["bag"])
                ),
                description="Deeper trees, bagged: better on the held-out days within the latency budget",
            ),
        ),
        symptom=alive,
        root_cause=(fits,),
        solutions=(
            Repair(
                name="the-limit-of-the-manifest-again",
                actions=(ChangeContainer(component="serving", fields=memory("1Gi")),),
            ),
        ),
        valid_fixes=(
            Repair(name="undo-the-rollout", actions=(UndoRollout(component="serving"),)),
            Repair(
                name="no-limit-at-all",
                actions=(ChangeContainer(component="serving", fields=memory(None)),),
            ),
        ),
        wrong_fixes=(
            WrongFix(
                name="roll-the-model-back",
                actions=(MlflowAlias(alias="champion", to="previous"),),
                leaves="mitigated",
                convicted_by=fits.name,
                why="What serves is small again; the next larger version ends it as this one did.",
            ),
            WrongFix(
                name="more-cpu",
                actions=(
                    ChangeContainer(component="serving", fields={"resources": {"limits": {"cpu": "3"}}}, settles=False),
                ),
                convicted_by=fits.name,
                why="It is not processor time that runs out.",
            ),
            WrongFix(
                name="a-patient-liveness-probe",
                actions=(
                    ChangeContainer(
                        component="serving", fields={"livenessProbe": {"failureThreshold": 60}}, settles=False
                    ),
                ),
                convicted_by=fits.name,
                why="It is the kernel that ends it, not the kubelet.",
            ),
            WrongFix(
                name="kill-the-pod",
                actions=(KillComponent(component="serving"),),
                convicted_by=fits.name,
                why="Its successor has the same limit.",
                cheat=True,
                mutates=False,
            ),
            *silencing(fits.name, starts_again=False),
        ),
    )


FAULT = Fault(
    id="cramped_serving",
    title="Serving's memory limit holds what serving uses at rest, not what a swap of models takes",
    layer="platform",
    levels=("mid",),
    runtime="kind",
    symptom="Since a promotion most requests are refused: serving's container ends and starts again, over and over, "
    "and its own log says nothing of why.",
    symptom_budget_seconds=300,
    parameters={"spare_mib": Choice(of=(16, 20, 24)), "bag": Choice(of=(7, 11))},
    plan=plan,
    truth=(
        "Most requests are refused since a promotion; serving restarts again and again and logs no error.",
        "It ends whenever it loads the new champion, while the one before still serves: the kernel kills it for the "
        "memory that both need together.",
        "Its container's memory limit was set {spare_mib} MiB above what it used at rest; the manifest in git says "
        "1 GiB.",
    ),
    accepts=(
        Accepted(component="runtime", failure_class="resource_limit"),
        Accepted(component="serving", failure_class="resource_limit"),
        Accepted(component="runtime", failure_class="misconfiguration", verdict="partial"),
        Accepted(component="serving", failure_class="misconfiguration", verdict="partial"),
        Accepted(component="registry", failure_class="bad_promotion", verdict="partial"),
    ),
    confirm_when=(
        When(
            says="It says that serving is killed at its container's memory limit while it loads the new model.",
            samples=(
                "OOMKilled: the memory limit on the deployment is too low for two models at once during the swap.",
                "Somebody cut serving's memory limit; at each reload it exceeds it and the kernel kills the container.",
            ),
        ),
    ),
    partial_when=(
        When(
            says="It says that serving dies of memory and not where the limit is, or blames the new version's size.",
            samples=(
                "Serving runs out of memory.",
                "The new champion is too large for serving, so it crashes on load.",
            ),
        ),
    ),
    refuse_when=(
        When(
            says="It blames the feature store, the registry, a probe of Kubernetes or a leak that grows with time.",
            samples=("The liveness probe is too strict and restarts serving.", "Serving leaks memory slowly."),
        ),
    ),
    hints=(
        "Serving's log stops in the middle. Who ends a process without letting it say a word?",
        "What does Kubernetes say of the container's last end, and what was serving doing then?",
        "Compare the memory that the live deployment allows with the manifest in git, and with what a swap takes.",
    ),
    rubric=(
        "Reads the reason of the container's last end before changing anything.",
        "Tells what serving uses at rest from what it needs while models are swapped.",
        "Repairs the limit rather than the model, or says why both.",
        "Says how it will not happen again: limits from measured peaks, an alert on containers that are killed.",
    ),
    must_notice=(
        "The container was killed for memory: its last state says so.",
        "It happens while the new champion is loaded beside the old one.",
        "The deployment's memory limit is not that of the manifest.",
    ),
    evidence=("prometheus", "dashboards", "logs", "git", "mlflow"),
)
