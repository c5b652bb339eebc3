"""Quality on flights that have landed, and what the errors cost."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.exporter.look import Collector, Look, Sample, sample
from ontime import figures


def collect(look: Look) -> Iterator[Sample]:
    seen = look.log.labelled
    quality = figures.quality(seen.scores, seen.previous, seen.late)
    yield sample("ontime_quality_flights", quality.flights)
    yield sample("ontime_quality_log_loss", quality.log_loss, model="champion")
    yield sample("ontime_quality_log_loss", quality.previous_log_loss, model="previous")
    yield sample("ontime_quality_paired_log_loss", quality.paired)
    yield sample("ontime_quality_observed_expected_ln", quality.observed_expected_ln)
    yield sample("ontime_quality_auc", quality.auc)
    yield sample("ontime_label_lag_seconds", look.now.timestamp() - seen.newest_event)
    if quality.flights < figures.MIN_FLIGHTS:
        return
    costs = figures.dollars(
        seen.scores,
        seen.late,
        alarm=look.behaviour.alarm_threshold,
        missed_delay=look.behaviour.missed_delay_dollars,
        false_alarm=look.behaviour.false_alarm_dollars,
        hours=look.behaviour.quality_window_hours,
    )
    for kind, cost in costs.items():
        yield sample("ontime_loss_dollars_per_hour", cost, kind=kind)


QUALITY = Collector(
    "quality",
    collect,
    {
        "ontime_quality_flights": "Flights with a score near T-60 whose label came within the quality window.",
        "ontime_quality_log_loss": "Mean log loss of those flights, by model.",
        "ontime_quality_paired_log_loss": "Log loss of champion minus previous on the flights that both scored.",
        "ontime_quality_observed_expected_ln": "ln(late flights / sum of scores): 0 is calibrated.",
        "ontime_quality_auc": "Area under the ROC curve: a trend, too noisy to alert on.",
        "ontime_label_lag_seconds": "World seconds since the newest landing known.",
        "ontime_loss_dollars_per_hour": "Cost of wrong announcements in dollars per world hour, by kind.",
    },
)
