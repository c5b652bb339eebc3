"""What the gates look at: the contender's artifacts, the champion's, and flights that neither was trained on."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ontime.errors import ArtifactError, RegistryError
from ontime.evaluation import Evaluation, evaluate
from ontime.gates import latency, leaks
from ontime.registry.model import BOOSTER_PATH, CHAMPION, ModelVersion
from ontime.registry.reader import RegistryReader
from ontime.scorer import Scorer
from ontime.training.booster import features, labels
from ontime.training.data import labelled_days, load_frame
from ontime.training.window import Days, local_day
from ontime.warehouse import Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """A version with its served file at hand; the booster is fetched by the gate that compares with it."""

    version: ModelVersion
    scorer: Scorer
    read_booster: Callable[[], lgb.Booster | None]


@dataclass(frozen=True)
class Evidence:
    """Everything is measured again on first use; nothing rests on figures that were stored with the version."""

    contender: Model
    champion: Model | None
    days: Days
    holdout: pa.Table
    warehouse: Warehouse

    @cached_property
    def matrix(self) -> npt.NDArray[np.float32]:
        return features(self.holdout)

    @cached_property
    def evaluation(self) -> Evaluation:
        return self._evaluate(self.contender)

    @cached_property
    def champion_evaluation(self) -> Evaluation | None:
        return self._evaluate(self.champion) if self.champion else None

    @cached_property
    def latency(self) -> latency.Latency:
        return latency.measure(self.contender.scorer, self.holdout)

    @cached_property
    def leaks(self) -> leaks.Leaks:
        return leaks.find(self.warehouse, self.holdout)

    @cached_property
    def training_rows(self) -> int:
        """Labelled flights in the warehouse on the days that the version says it was trained on."""
        trained = self.contender.version
        return sum(labelled_days(self.warehouse, Days(trained.trained_from, trained.trained_through)).values())

    def _evaluate(self, model: Model) -> Evaluation:
        return evaluate(self.holdout, model.scorer.score(self.matrix), labels(self.holdout))


def held_out_days(contender: ModelVersion, champion: ModelVersion | None, present: datetime, holdout_days: int) -> Days:
    """The last complete days before the present, at most `holdout_days`, that neither version was trained on."""
    trained_through = max(v.trained_through for v in (contender, champion) if v)
    yesterday = local_day(present) - timedelta(days=1)
    return Days(max(trained_through + timedelta(days=1), yesterday - timedelta(days=holdout_days - 1)), yesterday)


@contextmanager
def gather(
    reader: RegistryReader, warehouse: Warehouse, version: int, present: datetime, holdout_days: int
) -> Iterator[Evidence]:
    """Downloads the models and computes the held-out features. The files live as long as the block.

    Raises `UnknownNameError` (no such version), `ArtifactError`, `RegistryError`.
    """
    with tempfile.TemporaryDirectory(prefix="ontime-gates-") as scratch:
        contender = _load(reader, reader.version(version), Path(scratch))
        holder = reader.alias(CHAMPION)
        champion = _champion(reader, holder, Path(scratch)) if holder else None
        days = held_out_days(contender.version, holder, present, holdout_days)
        if not len(days):
            raise RegistryError(
                f"Version {version} has no held-out day before {present:%Y-%m-%d}: it, or the champion, was trained"
                f" through {days.first - timedelta(days=1)}. Wait for a day that neither has seen."
            )
        yield Evidence(contender, champion, days, load_frame(warehouse, days, present), warehouse)


def _champion(reader: RegistryReader, version: ModelVersion, into: Path) -> Model | None:
    """None when the champion's file is unusable: it must not keep its successor out."""
    try:
        return _load(reader, version, into)
    except ArtifactError as error:
        log.warning("the champion, version %d, cannot be compared with: %s", version.version, error)
        return None


def _load(reader: RegistryReader, version: ModelVersion, into: Path) -> Model:
    return Model(version, Scorer(reader.download(version, into)), lambda: _booster(reader, version))


def _booster(reader: RegistryReader, version: ModelVersion) -> lgb.Booster | None:
    try:
        return lgb.Booster(model_str=reader.run_artifact(version, BOOSTER_PATH).decode())
    except (ArtifactError, lgb.basic.LightGBMError) as error:
        log.warning("version %d has no usable booster: %s", version.version, error)
        return None
