"""What the registry holds: one registered model, its versions, and the aliases that move between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from ontime.errors import RegistryError

MODEL_NAME = "ontime-delay"
CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
ALIASES = (CHAMPION, PREVIOUS, CHALLENGER)

MODEL_DIRECTORY = "model"
MODEL_FILE = "model.onnx"
BOOSTER_PATH = "training/booster.txt"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of `ontime-delay`. The tags are claims, written at registration; the gates measure again."""

    version: int
    run_id: str
    source: str
    created_at: datetime
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def onnx_sha256(self) -> str:
        return self._required("onnx_sha256")

    @property
    def contract_hash(self) -> str:
        return self._required("contract_hash")

    @property
    def trained_from(self) -> date:
        return self._date("trained_from")

    @property
    def trained_through(self) -> date:
        """The last New York day that was trained on; days after it are out of sample."""
        return self._date("trained_through")

    @property
    def rows(self) -> int:
        text = self._required("rows")
        try:
            return int(text)
        except ValueError:
            raise self._unusable("rows", text, "a whole number") from None

    def _date(self, tag: str) -> date:
        text = self._required(tag)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self._unusable(tag, text, "a date like 2013-04-21") from None

    def _required(self, tag: str) -> str:
        if tag not in self.tags:
            raise self._unusable(tag, None, "the tag that registration writes")
        return self.tags[tag]

    def _unusable(self, tag: str, value: str | None, expected: str) -> RegistryError:
        return RegistryError(
            f"Version {self.version} of {MODEL_NAME} has tag {tag}={value!r}. Expected {expected}; register it anew."
        )


def from_mlflow(body: dict[str, Any]) -> ModelVersion:
    """MLflow's `model_version` message as JSON → `ModelVersion`."""
    try:
        return ModelVersion(
            version=int(body["version"]),
            run_id=body.get("run_id", ""),
            source=body.get("source", ""),
            created_at=datetime.fromtimestamp(int(body.get("creation_timestamp", 0)) / 1000, UTC),
            aliases=tuple(sorted(body.get("aliases", []))),
            tags={tag["key"]: tag.get("value", "") for tag in body.get("tags", [])},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"MLflow described a version in a way that is not understood: {body!r}") from error
