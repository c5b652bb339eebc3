"""Retraining: validate, train and register, promote. Three steps, because each can fail for a reason of its own."""

from __future__ import annotations

import logging
from datetime import datetime

from ontime.clock import Clock
from ontime.settings import Environment, behaviour
from ontime.warehouse import Warehouse

log = logging.getLogger(__name__)


def validate(settings: Environment) -> datetime:
    """Checks the window that ends now; returns the present that the other steps hold on to."""
    from ontime.training import Window
    from ontime.training import validate as check

    present = Clock(settings.clock).now()
    window = Window.ending(present, behaviour().training)
    counts = check(Warehouse(settings.warehouse), window, present)
    log.info("world %s: %d labelled flights on %d days", present, sum(counts.values()), len(counts))
    return present


def train_and_register(settings: Environment, present: datetime) -> int:
    """Returns the new version's number."""
    from ontime.training.retrain import retrain

    version = retrain(Warehouse(settings.warehouse), settings.mlflow_url, behaviour().training, present)
    return version.version


def promote(settings: Environment, version: int, present: datetime) -> None:
    """Raises `GateRefusedError` when a gate refuses."""
    from ontime.registry.promotion import promote as through_gates

    through_gates(
        version,
        url=settings.mlflow_url,
        warehouse=Warehouse(settings.warehouse),
        behaviour=behaviour(),
        present=present,
    )
