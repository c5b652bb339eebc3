"""One serving process: everything it is made of, started and stopped in order."""

from __future__ import annotations

import logging
import os
import signal
from functools import partial
from threading import Event, Thread

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
from serving.usage import FeatureUsage

MODELS_DIRECTORY = "serving/models"

log = logging.getLogger("ontime.serving")


class Worker:
    """The parts of one serving process, and the thread that writes down what its requests left behind."""

    def __init__(self, environment: Environment, behaviour: Behaviour, source: Source, registry: Registry) -> None:
        serving = behaviour.serving
        clock = Clock(environment.clock)
        self.metrics = Metrics()
        self.metrics.build_info.labels(revision()).set(1)
        self.usage = FeatureUsage(self.metrics)
        self.features = FeatureReader(
            source, self.metrics, self.usage, serving.feature_cache_seconds, serving.max_fresh_age_minutes
        )
        self.models = ModelKeeper(
            registry,
            environment.state / MODELS_DIRECTORY,
            partial(Scorer, intra_op_threads=serving.intra_op_threads, allow_spinning=serving.allow_spinning),
            self.metrics,
            serving.poll_seconds,
        )
        self.predictions = PredictionLog(
            Warehouse(environment.warehouse), self.metrics, serving.log_queue_rows, revision()
        )
        self.predictor = Predictor(
            clock,
            self.features,
            self.models,
            self.predictions,
            self.metrics,
            serving.challenger_share,
            serving.prior_late_rate,
        )
        self._every = serving.log_flush_seconds
        self._stop = Event()
        self._thread = Thread(target=self._run, name="flush", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.models.start()
        log.info("worker started revision=%s", revision())

    def stop(self) -> None:
        """Ends the threads and writes what is left of the prediction log."""
        self._stop.set()
        self.models.stop()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()
        log.info("worker stopped unwritten_rows=%d", self.predictions.waiting)

    def flush(self) -> None:
        """Brings the prediction log and the series that are kept in bulk up to date."""
        self.metrics.log_queue.set(self.predictions.waiting)
        self.metrics.count_cpu()
        self.usage.publish()
        self.predictions.flush()
        self.metrics.log_queue.set(self.predictions.waiting)

    def exposition(self) -> bytes:
        """The series of all workers; of this one up to this moment, of others up to their last flush."""
        self.usage.publish()
        return self.metrics.exposition()

    def _run(self) -> None:
        parent = os.getppid()
        while not self._stop.wait(self._every):
            if os.getppid() != parent:
                log.error("the process that watches this worker is gone; stopping, so that its successor gets the port")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            try:
                self.flush()
            except Exception:
                log.exception("flushing failed; what waits is tried again")

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


def from_settings() -> Worker:
    """The worker of this process's environment and tree."""
    here = environment()
    logs.configure(Clock(here.clock))
    return Worker(here, behaviour(), FeastSource(here), RegistryReader(here.mlflow_url))
