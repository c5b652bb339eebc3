"""Would the deployed platform train on what was known an hour before departure, and on nothing else?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from brownout.probes.asking import ask, release_hash
from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.truth import Truth, moment
from ontime.contract import FEATURE_NAMES
from ontime.errors import OntimeError
from ontime.training.booster import features
from ontime.training.window import Days, local_day

MADE_BY = ("ontime.toml", "platform/ontime/features", "platform/ontime/training", "platform/ontime/warehouse.py")
"""What in a release may change the training rows; while it is unchanged, the last answer stands."""
PROGRAM = """
import json
from datetime import date
from ontime.clock import Clock
from ontime.contract import FEATURE_NAMES
from ontime.settings import environment
from ontime.training import Days, load_frame
from ontime.warehouse import Warehouse

here = environment()
days = Days(date.fromisoformat("{first}"), date.fromisoformat("{last}"))
rows = load_frame(Warehouse(here.warehouse), days, Clock(here.clock).now())
print(json.dumps({{name: rows[name].to_pylist() for name in ("flight_id", *FEATURE_NAMES)}}))
"""


class TrainingRowsTrue(Probe):
    """The deployed training join's rows of some days before the onset, against the proctor's own features of them.

    A feature that knows what came later differs, whatever it is called and wherever it was joined.
    """

    kind: Literal["training_rows_true"] = "training_rows_true"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    days: int = Field(default=2, ge=1, le=7)
    max_share: float = Field(default=0.02, gt=0, lt=1, description="Rows that may differ in one feature.")
    min_share_present: float = Field(default=0.95, gt=0, le=1)

    def run(self, view: ProbeView) -> ProbeResult:
        try:
            release = release_hash(view.environment.current, MADE_BY)
            return view.memory.keep(f"training rows/{release}", lambda: self._judge(view))
        except (OntimeError, OSError) as error:
            return ProbeResult("unknown", str(error))

    def _judge(self, view: ProbeView) -> ProbeResult:
        until = local_day(moment(view.onset_world or view.world_now)) - timedelta(days=2)
        days = Days(until - timedelta(days=self.days - 1), until)
        told = ask(view, PROGRAM.format(first=days.first, last=days.last))
        truth = view.memory.keep("truth", lambda: Truth(view.harness.data))
        meant = truth.known_flights(days.since, days.until)
        true = dict(zip(meant["flight_id"].to_pylist(), features(meant), strict=True))
        both = [(index, flight) for index, flight in enumerate(told["flight_id"]) if flight in true]
        present = len(both) / max(len(true), 1)
        if present < self.min_share_present:
            return ProbeResult("broken", f"Training would see {present:.0%} of the flights that landed then.")
        wrong = _shares(told, [index for index, _ in both], np.array([true[flight] for _, flight in both]))
        worst = max(wrong, key=lambda name: wrong[name])
        measured = {"wrong_share": wrong[worst], "present_share": present}
        why = (
            f"{wrong[worst]:.1%} of {len(both)} training rows hold a {worst} that was not so an hour before departure."
        )
        return ProbeResult("broken" if wrong[worst] > self.max_share else "ok", why, measured=measured)


def _shares(told: dict[str, list[Any]], indexes: list[int], true: np.ndarray) -> dict[str, float]:
    """Share of rows that differ, by feature; a missing value differs from a value."""
    found: dict[str, float] = {}
    for position, name in enumerate(FEATURE_NAMES):
        column = np.array([np.nan if told[name][i] is None else told[name][i] for i in indexes], np.float64)
        found[name] = float(np.mean(~np.isclose(column, true[:, position], rtol=1e-3, atol=1e-3, equal_nan=True)))
    return found
