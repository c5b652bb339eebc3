"""Online/offline parity: the served vector against the same flight's features recomputed from the warehouse.

Each served row says, by its own timestamps, as of when its fresh and slow features were computed. Recomputed as of
the same moments from the warehouse's events, every feature must come out the same; what does not was computed,
joined, stored or read differently online.
"""

from __future__ import annotations

from collections.abc import Iterator

from ontime.settings import Environment

from monitoring.exporter.look import Collector, Look, Sample

EVERY_SECONDS = 15.0


def parity_collector(environment: Environment) -> Collector:
    def collect(look: Look) -> Iterator[Sample]:
        del look
        yield from ()

    return Collector(
        "parity",
        collect,
        {
            "ontime_parity_flights": "Predictions recomputed from the warehouse.",
            "ontime_parity_mismatch_ratio": "Share of feature values of a view that differ from the recomputed ones.",
            "ontime_parity_score_shift": "Mean |score served - score of the recomputed features|.",
        },
        EVERY_SECONDS,
    )
