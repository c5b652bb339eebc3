"""The closed vocabulary of what a candidate can do: solutions, wrong fixes and cheats are played with it, outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from abc import abstractmethod
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from brownout.errors import BrownoutError
from brownout.faults.context import InjectContext
from brownout.faults.edits import Edit
from brownout.faults.frozen import Frozen
from brownout.faults.online_times import claim_freshness
from brownout.http import client
from brownout.kind import templates
from brownout.probes import online_redis
from brownout.registry_api import RegistryApi
from ontime.runtime.kind.kubectl import Kubectl
from ontime.runtime.kind.pods import NAME
from ontime.runtime.stack import NotReadyError
from ontime.runtime.status import look

DEPLOY_ROLE = ("on-call", "on-call@ontime.example")
UNSETTLED_SECONDS = 45.0
"""For new pods that may well never get ready: a person looks that long, and does the next thing."""


def git(workspace: Path, *args: str) -> str:
    """Runs git in the workspace as the person on call. Raises `BrownoutError` with git's own words."""
    name, mail = DEPLOY_ROLE
    done = subprocess.run(
        [
            "git",
            "-C",
            str(workspace),
            *("-c", f"safe.directory={workspace.resolve()}", "-c", "core.hooksPath=/dev/null"),
            *("-c", f"user.name={name}", "-c", f"user.email={mail}"),
            *args,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
    )
    if done.returncode:
        raise BrownoutError(f"git {' '.join(args[:2])} in {workspace} failed: {done.stderr.strip()[-400:]}")
    return done.stdout.strip()


class Act(Frozen):
    @abstractmethod
    def play(self, context: InjectContext) -> None:
        """Raises `BrownoutError` when it could not be done."""


class EditFiles(Act):
    """Edits files of the workspace, commits and deploys."""

    kind: Literal["edit_files"] = "edit_files"
    edits: tuple[Edit, ...] = Field(min_length=1)
    subject: str = Field(min_length=5, max_length=72)
    deploy: bool = True

    def play(self, context: InjectContext) -> None:
        for edit in self.edits:
            edit.apply(context.workspace)
        git(context.workspace, "commit", "--quiet", "--all", "--message", self.subject)
        if self.deploy:
            context.platform.deploy(context.workspace)


class GitRevert(Act):
    """Reverts the commit with this subject, and deploys."""

    kind: Literal["git_revert"] = "git_revert"
    subject: str

    def play(self, context: InjectContext) -> None:
        found = [
            line.split(" ", 1)[0]
            for line in git(context.workspace, "log", "--format=%H %s").splitlines()
            if line.split(" ", 1)[1] == self.subject
        ]
        if len(found) != 1:
            raise BrownoutError(f"{len(found)} commits have the subject {self.subject!r}; expected exactly one.")
        git(context.workspace, "revert", "--no-edit", found[0])
        context.platform.deploy(context.workspace)


class OntimeCommand(Act):
    """Runs one command of the platform's own CLI; `{world_day}` stands for the onset's UTC day."""

    kind: Literal["ontime"] = "ontime"
    args: tuple[str, ...] = Field(min_length=1)

    def play(self, context: InjectContext) -> None:
        context.platform.ontime(*self.args)


class MlflowAlias(Act):
    """Points an alias at the version that another alias names, as the registry's page lets anyone do."""

    kind: Literal["mlflow_alias"] = "mlflow_alias"
    alias: Literal["champion", "previous", "challenger"]
    to: Literal["champion", "previous", "challenger"]

    def play(self, context: InjectContext) -> None:
        registry = RegistryApi(context.environment.mlflow_url)
        registry.set_alias(self.alias, registry.version_of(self.to))


class AirflowTrigger(Act):
    """Triggers a DAG and waits until its run ends, well or badly."""

    kind: Literal["airflow_trigger"] = "airflow_trigger"
    dag: Literal["build_features", "train_model", "monitor_model", "batch_score"]
    parameters: dict[str, int] = Field(default_factory=dict, description="Values for the DAG's own parameters.")
    within_seconds: float = Field(default=180, gt=0)

    def play(self, context: InjectContext) -> None:
        given = [part for name, value in self.parameters.items() for part in ("--param", f"{name}={value}")]
        context.platform.ontime(
            "dag", "trigger", self.dag, *given, "--wait", str(int(self.within_seconds)), check=False
        )


class RestartComponent(Act):
    kind: Literal["restart_component"] = "restart_component"
    component: str

    def play(self, context: InjectContext) -> None:
        context.platform.ontime("restart", self.component)


class StopComponent(Act):
    """Scales a component to zero."""

    kind: Literal["stop_component"] = "stop_component"
    component: str

    def play(self, context: InjectContext) -> None:
        context.platform.ontime("stop", self.component)


class KillComponent(Act):
    """`kill -9` of a component's process; what the runtime does next is its own affair."""

    kind: Literal["kill_component"] = "kill_component"
    component: str

    def play(self, context: InjectContext) -> None:
        if context.environment.runtime == "kind":
            Kubectl.of(context.environment)(
                "delete", "pod", "-l", f"{NAME}={self.component}", "--grace-period=0", "--force"
            )
            return
        (found,) = look(context.environment, [self.component]).components
        if found.pid is None:
            raise BrownoutError(f"Component {self.component!r} cannot be killed: it is {found.state}.")
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)


class ChangeContainer(Act):
    """`kubectl patch`, `set resources` and the like, on one component's container."""

    kind: Literal["change_container"] = "change_container"
    component: str
    fields: dict[str, Any] = Field(min_length=1, description="As in a strategic merge patch of the container.")
    settles: bool = Field(default=True, description="False where the new pods may well not get ready either.")

    def play(self, context: InjectContext) -> None:
        try:
            patience = templates.READY_SECONDS if self.settles else UNSETTLED_SECONDS
            templates.merge(context.environment, self.component, self.fields, patience)
        except NotReadyError:
            if self.settles:
                raise


class UndoRollout(Act):
    """`kubectl rollout undo`."""

    kind: Literal["undo_rollout"] = "undo_rollout"
    component: str

    def play(self, context: InjectContext) -> None:
        templates.undo(context.environment, self.component)


class DeleteData(Act):
    """Removes files of the platform's state, e.g. a warehouse table or the online store."""

    kind: Literal["delete_data"] = "delete_data"
    path: str = Field(pattern=r"^(warehouse|online|landing)/[A-Za-z0-9_./*-]+$", description="Glob below the state.")

    def play(self, context: InjectContext) -> None:
        if context.environment.store == "kind" and fnmatch("online/online.db", self.path):
            online_redis.clear(context.environment.redis_url)
        for path in sorted(context.environment.state.glob(self.path)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


class RewriteTimes(Act):
    """Makes every row of the online store claim to be new, without changing a value."""

    kind: Literal["rewrite_times"] = "rewrite_times"

    def play(self, context: InjectContext) -> None:
        here = context.environment
        if here.store == "kind":
            online_redis.claim_freshness(here.redis_url, context.world.now())
        else:
            claim_freshness(here.online / "online.db", context.world.now())


class MuteAlert(Act):
    """Silences an alert in Alertmanager for a day."""

    kind: Literal["mute_alert"] = "mute_alert"
    alert: str = ".+"

    def play(self, context: InjectContext) -> None:
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "alertname", "value": self.alert, "isRegex": True, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(days=1)).isoformat(),
            "createdBy": DEPLOY_ROLE[0],
            "comment": "known, being worked on",
        }
        client().post(
            f"{context.environment.alertmanager_url}/api/v2/silences", json=silence, timeout=10
        ).raise_for_status()


class StopWorldTraffic(Act):
    """What a candidate can do to the traffic: take the door away, so that nobody can ask."""

    kind: Literal["stop_world_traffic"] = "stop_world_traffic"

    def play(self, context: InjectContext) -> None:
        context.platform.ontime("stop", "serving")


Action = Annotated[
    EditFiles
    | GitRevert
    | OntimeCommand
    | MlflowAlias
    | AirflowTrigger
    | RestartComponent
    | StopComponent
    | KillComponent
    | ChangeContainer
    | UndoRollout
    | DeleteData
    | RewriteTimes
    | MuteAlert
    | StopWorldTraffic,
    Field(discriminator="kind"),
]
