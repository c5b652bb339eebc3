"""One serving process: everything it is made of, started and stopped in order."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from ontime.clock import Clock
from ontime.errors import FeatureStoreError
from ontime.registry import RegistryReader
from ontime.scorer import Scorer
from ontime.settings import ROOT, Behaviour, Environment, behaviour, environment
from ontime.warehouse import Warehouse

from serving import logs
from serving.features import STORE_DOWN, FeatureReader, Source
from serving.log import PredictionLog
from serving.metrics import Metrics
from serving.models import ModelKeeper, Registry
from serving.openapi import Readiness
from serving.predictor import FALLBACK, NO_MODEL, Predictor
from serving.store import FeastSource

MODELS_DIRECTORY = "serving/models"

log = logging.getLogger("ontime.serving")


@dataclass(frozen=True)
class Worker:
    """The parts of one serving process."""

    metrics: Metrics
    features: FeatureReader
    models: ModelKeeper
    predictions: PredictionLog
    predictor: Predictor

    def start(self) -> None:
        self.predictions.start()
        self.models.start()
        log.info("worker started")

    def stop(self) -> None:
        self.models.stop()
        self.predictions.stop()
        log.info("worker stopped, prediction log written")

    def readiness(self) -> Readiness:
        """Ready when features are readable and the registry was asked once: a model serves, or the fallback does."""
        champion = self.models.current.champion
        reasons = [] if champion else [NO_MODEL]
        ready = self.models.settled.is_set()
        if not ready:
            reasons.append("registry_not_asked_yet")
        try:
            self.features.probe()
        except FeatureStoreError as error:
            ready = False
            reasons.append(f"{STORE_DOWN}: {error}")
        return Readiness(ready=ready, model_version=champion.name if champion else FALLBACK, reasons=reasons)


def revision() -> str:
    """The release this process runs from; "checkout" outside of one."""
    return ROOT.name if ROOT.parent.name == "releases" else "checkout"


def build(environment: Environment, behaviour: Behaviour, source: Source, registry: Registry, revision: str) -> Worker:
    """Puts a worker together; nothing runs before `start`."""
    serving = behaviour.serving
    clock = Clock(environment.clock)
    logs.configure(clock)
    metrics = Metrics()
    metrics.build_info.labels(revision).set(1)
    features = FeatureReader(source, metrics, serving.feature_cache_seconds, serving.max_fresh_age_minutes)
    models = ModelKeeper(
        registry,
        environment.state / MODELS_DIRECTORY,
        partial(Scorer, intra_op_threads=serving.intra_op_threads, allow_spinning=serving.allow_spinning),
        metrics,
        serving.poll_seconds,
    )
    predictions = PredictionLog(
        Warehouse(environment.warehouse), metrics, serving.log_flush_seconds, serving.log_queue_rows, revision
    )
    predictor = Predictor(
        clock, features, models, predictions, metrics, serving.challenger_share, serving.prior_late_rate
    )
    return Worker(metrics, features, models, predictions, predictor)


def from_settings() -> Worker:
    """The worker of this process's environment and tree."""
    here = environment()
    return build(here, behaviour(), FeastSource(here), RegistryReader(here.mlflow_url), revision())
