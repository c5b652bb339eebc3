"""Is the champion a good model, on flights whose outcome is known already?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.truth import Truth, moment
from brownout.probes.versions import versions
from ontime.errors import OntimeError
from ontime.features import local_midnight
from ontime.training.booster import features, labels


@dataclass(frozen=True, slots=True)
class KnownFlights:
    matrix: npt.NDArray[np.float32]
    late: npt.NDArray[np.float64]


def log_losses(late: npt.NDArray[np.float64], probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Per flight, in nats; probabilities are kept 1e-6 away from certainty."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    found: npt.NDArray[np.float64] = -(late * np.log(p) + (1 - late) * np.log(1 - p))
    return found


class ModelQuality(Probe):
    """The champion's log loss paired with the baseline champion's, on thousands of flights before the onset.

    The flights follow the reference's training days, so the reference has no advantage; an honest model passes.
    """

    kind: Literal["model_quality"] = "model_quality"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    max_increase: float = Field(default=0.012, gt=0, description="Log loss above the reference's, in nats.")
    days: int = Field(default=14, ge=2, le=28)
    flights: int = Field(default=4000, ge=500)

    def run(self, view: ProbeView) -> ProbeResult:
        if view.onset_world is None:
            return ProbeResult("unknown", "The onset is not known.")
        known = versions(view)
        try:
            champion = known.champion()
            increase, flights = view.memory.keep(
                f"quality/{champion}/{self.days}/{self.flights}", lambda: self._increase(view, champion)
            )
        except OntimeError as error:
            return ProbeResult("unknown", str(error))
        measured = {"log_loss_increase": increase}
        why = (
            f"On {flights} flights with known outcome version {champion} has a log loss {increase:+.4f} "
            f"against the baseline's champion; up to {self.max_increase:+.3f} is ok."
        )
        return ProbeResult("broken" if increase > self.max_increase else "ok", why, measured=measured)

    def _increase(self, view: ProbeView, champion: str) -> tuple[float, int]:
        flights = view.memory.keep(f"known/{self.days}/{self.flights}", lambda: self._known(view))
        known = versions(view)
        ours = log_losses(flights.late, known.scorer(champion).score(flights.matrix))
        theirs = log_losses(flights.late, known.scorer(view.reference.version).score(flights.matrix))
        return float(np.mean(ours - theirs)), len(flights.late)

    def _known(self, view: ProbeView) -> KnownFlights:
        truth = view.memory.keep("truth", lambda: Truth(view.harness.data))
        until = local_midnight(moment(view.onset_world or 0.0))
        frame = truth.known_flights(until - timedelta(days=self.days), until)
        chosen = np.random.default_rng(7).permutation(frame.num_rows)[: self.flights]
        frame = frame.take(np.sort(chosen))
        return KnownFlights(features(frame), labels(frame))
