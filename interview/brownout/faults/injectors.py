"""The closed vocabulary of injections: each one is something that a person or upstream could have done.

Nothing here is a switch in the platform. Everything is undone by restoring the baseline.
"""

from __future__ import annotations

import subprocess
from abc import abstractmethod
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from brownout.errors import PreparationError
from brownout.faults.context import InjectContext
from brownout.faults.edits import FORBIDDEN, Edit
from brownout.faults.frozen import Frozen
from brownout.faults.models import AnyRecipe, Retraining
from brownout.faults.registering import register_as_champion
from brownout.faults.runs import wait_for_runs
from brownout.faults.slow_rows import midnight_of, withdraw
from brownout.faults.standing import stand
from brownout.kind import memory, templates
from ontime.errors import OntimeError
from ontime.runtime.kind.kubectl import Kubectl

Role = Literal["ml-engineer", "data-engineer", "platform-engineer", "on-call", "analyst"]


class Injector(Frozen):
    @abstractmethod
    def apply(self, context: InjectContext) -> None:
        """Takes effect when it returns. Raises `PreparationError` naming the step that failed."""


class CodeCommit(Injector):
    """One ordinary commit of the workspace's written history; in force once the workspace is deployed.

    The history is written by `brownout.workspace.make`, which is given these commits; `apply` deploys it.
    """

    kind: Literal["code_commit"] = "code_commit"
    subject: str = Field(min_length=10, max_length=72)
    body: str = ""
    role: Role = "ml-engineer"
    edits: tuple[Edit, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tells_nothing(self) -> CodeCommit:
        if told := FORBIDDEN.search(f"{self.subject} {self.body}"):
            raise ValueError(f"the message contains {told.group(0)!r}, which would tell; choose other words")
        return self

    def apply(self, context: InjectContext) -> None:
        subjects = subprocess.run(
            [
                "git",
                *("-c", f"safe.directory={context.workspace.resolve()}", "-C", str(context.workspace)),
                *("log", "--format=%s"),
            ],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.splitlines()
        if self.subject not in subjects:
            raise PreparationError(
                f"Workspace {context.workspace} has no commit {self.subject!r}. "
                "Make it with brownout.workspace.make(..., culprits=fault.commits(parameters))."
            )
        context.platform.deploy(context.workspace)


class ConfigChange(CodeCommit):
    """A commit that changes keys of `ontime.toml` and nothing else."""

    kind: Literal["config_change"] = "config_change"  # type: ignore[assignment]

    @model_validator(mode="after")
    def _only_configuration(self) -> ConfigChange:
        others = sorted({edit.path for edit in self.edits} - {"ontime.toml"})
        if others:
            raise ValueError(f"edits {', '.join(others)}; expected only ontime.toml (use CodeCommit)")
        return self


class FeedChange(Injector):
    """Upstream sends one field multiplied by a factor, from one world instant on. The canonical truth stays."""

    kind: Literal["feed_change"] = "feed_change"
    field: Literal["scheduled_minutes", "distance_miles"]
    kinds: tuple[Literal["schedule", "request"], ...] = ("schedule", "request")
    factor: float = Field(gt=0)

    def change(self, from_world: float) -> dict[str, Any]:
        """As the world's control takes it."""
        return {"field": self.field, "kinds": list(self.kinds), "factor": self.factor, "from_world": from_world}

    def apply(self, context: InjectContext) -> None:
        context.world.feed([self.change(context.world.now())])


class ModelPromotion(Injector):
    """A version trained from `recipe` is registered and made champion; the one before becomes `previous`."""

    kind: Literal["model_promotion"] = "model_promotion"
    recipe: AnyRecipe
    description: str = Field(max_length=200)

    def apply(self, context: InjectContext) -> None:
        register_as_champion(context, self.recipe, self.description)


class SlowRowsWithdrawn(Injector):
    """Slow rows as of midnights after `through` (a New York day) are taken out of warehouse and online store."""

    kind: Literal["slow_rows_withdrawn"] = "slow_rows_withdrawn"
    through: date

    def apply(self, context: InjectContext) -> None:
        wait_for_runs(context, "build_features")
        withdraw(context.environment, midnight_of(self.through))


class ContainerChanged(Injector):
    """Somebody changed a component's container with kubectl; the manifests in git say what they said."""

    kind: Literal["container_changed"] = "container_changed"
    component: str
    fields: dict[str, Any] = Field(min_length=1, description="As in a strategic merge patch of the container.")

    def apply(self, context: InjectContext) -> None:
        templates.merge(context.environment, self.component, self.fields)


class MemoryLimited(Injector):
    """Somebody cut a container's memory limit to what it used just then, and a little to spare."""

    kind: Literal["memory_limited"] = "memory_limited"
    component: str
    spare_mib: int = Field(ge=1, description="MiB above what no file backs, in the pod that uses most.")

    def apply(self, context: InjectContext) -> None:
        try:
            found = memory.used(Kubectl.of(context.environment), self.component)
        except (OntimeError, ValueError) as error:
            raise PreparationError(f"What {self.component} uses cannot be seen: {error}") from error
        if not found:
            raise PreparationError(f"No pod of {self.component} is ready, so nobody could see what it uses.")
        limit = f"{max(found.values()) // 2**20 + self.spare_mib}Mi"
        fields = {"resources": {"limits": {"memory": limit}, "requests": {"memory": limit}}}
        templates.merge(context.environment, self.component, fields)


class StandingModels(Injector):
    """Champion and previous are of an earlier season, promoted then; no version was made since."""

    kind: Literal["standing_models"] = "standing_models"
    previous: Retraining
    champion: Retraining
    description: str = Field(max_length=200)

    def apply(self, context: InjectContext) -> None:
        stand(context, self.previous, self.champion, self.description)


Injection = Annotated[
    CodeCommit
    | ConfigChange
    | FeedChange
    | ModelPromotion
    | SlowRowsWithdrawn
    | StandingModels
    | ContainerChanged
    | MemoryLimited,
    Field(discriminator="kind"),
]
