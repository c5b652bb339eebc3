"""The map: what each part of the stack is for, how it is now, and how it usually is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from monitoring.alerts import alert
from monitoring.dashboards.prometheus import Prometheus
from monitoring.panels import Unit

State = Literal["ok", "warn", "bad", "unknown"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of a part; `usual` is the band of healthy months (docs/reference/thresholds.md)."""

    label: str
    expr: str
    unit: Unit
    usual: tuple[float, float] | None = None
    panel: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One box of the map. `feeds` are drawn as arrows; `alerts` are the ones that speak about this part."""

    id: str
    title: str
    role: str
    facts: tuple[Fact, ...]
    components: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    ui: str | None = None


PARTS: tuple[Part, ...] = (
    Part(
        "upstream",
        "Upstream",
        "Airlines, airports and weather stations",
        (
            Fact("events", "sum(kind:ontime_events:rate1m)", "per_second", (0, 25), "events"),
            Fact("world speed", "max(ontime_world_speed)", "number"),
        ),
        feeds=("ingest",),
    ),
    Part(
        "ingest",
        "Ingest",
        "Checks, lands and turns events into fresh features",
        (
            Fact("refused", "ontime:events_rejected:ratio1m", "ratio", (0, 0.005), "rejected"),
            Fact("behind", "ontime:fresh_watermark_lag_seconds", "seconds", (-600, 5400), "watermark"),
        ),
        ("ingest",),
        ("IngestDown", "EventsRejectedHigh", "IngestLagging"),
        ("warehouse", "online_store"),
    ),
    Part(
        "warehouse",
        "Warehouse",
        "Everything that happened, as parquet",
        (
            Fact("newest landing", "max(ontime_label_lag_seconds)", "seconds", (0, 10500), "labels"),
            Fact("labelled flights", "max(ontime_quality_flights)", "number", (600, 1100)),
        ),
        alerts=("LabelsLate",),
        feeds=("airflow",),
    ),
    Part(
        "airflow",
        "Airflow",
        "Builds slow features, trains, looks for drift",
        (
            Fact(
                "slow features",
                'max(ontime_view_age_seconds{view=~".+_slow",quantile="0.5"})',
                "seconds",
                (0, 115200),
                "slow_ages",
            ),
            Fact("drift report", "max(ontime_report_age_seconds)", "seconds", (0, 43200), "report_age"),
        ),
        ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor"),
        ("SlowFeaturesOld", "ReportStale"),
        ("mlflow", "online_store"),
        "airflow",
    ),
    Part(
        "answers",
        "Answers",
        "What people get, and what errors cost",
        (
            Fact("mean score", "max(ontime_prediction_mean)", "ratio", (0.06, 0.82), "scores"),
            Fact("vs previous", "max(ontime_quality_paired_log_loss)", "log", (-0.071, 0.023), "paired"),
            Fact("ln(O/E)", "max(ontime_quality_observed_expected_ln)", "log", (-0.88, 0.48), "calibration"),
            Fact("cost an hour", "sum(max by (kind) (ontime_loss_dollars_per_hour))", "dollars", (180, 1100), "loss"),
        ),
        alerts=("PairedLogLossHigh", "CalibrationOff", "ScoresShifted", "NoTraffic"),
    ),
    Part(
        "online_store",
        "Online store",
        "Feast: the features that serving reads",
        (
            Fact(
                "fresh features",
                'max(ontime_view_age_seconds{view=~"origin_fresh|destination_fresh|carrier_fresh",quantile="0.5"})',
                "seconds",
                (0, 1200),
                "fresh_ages",
            ),
            Fact("parity", "max(ontime_parity_mismatch_ratio)", "ratio", (0, 0.05), "parity"),
            Fact(
                "weather",
                'max(ontime_view_age_seconds{view="weather_fresh",quantile="0.5"})',
                "seconds",
                (0, 5400),
                "other_ages",
            ),
        ),
        alerts=(
            "FreshFeaturesOld",
            "WeatherOld",
            "FeatureRowsMissing",
            "FeatureNullsHigh",
            "FeatureZerosHigh",
            "FeatureMeanShifted",
            "ParityMismatchHigh",
            "ParityScoreShiftHigh",
        ),
        feeds=("serving",),
    ),
    Part(
        "serving",
        "Serving",
        "BentoML: request, features, model, answer",
        (
            Fact("predictions", "ontime:predictions:rate1m", "per_second", None, "requests"),
            Fact(
                "p99 batch",
                'max(size:ontime_predict_duration_seconds:p99_1m{size="batch"})',
                "seconds",
                (0, 0.1),
                "latency_batch",
            ),
            Fact(
                "p99 single",
                'max(size:ontime_predict_duration_seconds:p99_1m{size="single"})',
                "seconds",
                (0, 0.05),
                "latency_single",
            ),
            Fact(
                "not full answers",
                "ontime:predict_errors:ratio1m + ontime:predictions_degraded:ratio1m",
                "ratio",
                (0, 0.01),
                "failures",
            ),
        ),
        ("serving",),
        (
            "ServingDown",
            "PredictErrorsHigh",
            "PredictRefusalsHigh",
            "SingleLatencyHigh",
            "BatchLatencyHigh",
            "DegradedAnswersHigh",
            "PredictionLogDropping",
        ),
        ("answers", "warehouse"),
    ),
    Part(
        "mlflow",
        "MLflow",
        "Registered versions; the champion alias",
        (
            Fact("champion", "max(ontime_champion_version)", "version", None, "versions"),
            Fact("served", "max(ontime_served_version)", "version", None, "versions"),
        ),
        ("mlflow",),
        ("ChampionNotServed", "RegistryDown", "ModelLoadsFailing"),
        ("serving",),
        "mlflow",
    ),
    Part(
        "monitoring",
        "Monitoring",
        "Exporter, Prometheus, Alertmanager and this page",
        (
            Fact("features drifted", "max(ontime_drift_share)", "ratio", (0, 0.2), "drift"),
            Fact("a look takes", "max(ontime_exporter_look_seconds)", "seconds", (0, 1)),
            Fact(
                "alerts firing",
                'count(count by (alertname) (ALERTS{alertstate="firing"})) or vector(0)',
                "number",
                (0, 0),
                "alerts",
            ),
        ),
        ("exporter", "prometheus", "alertmanager", "dashboards"),
        ("ExporterDown", "ExporterErrors", "DriftShareHigh"),
        (),
        "prometheus",
    ),
)


def outside(value: float | None, usual: tuple[float, float] | None) -> bool:
    return value is not None and usual is not None and not usual[0] <= value <= usual[1]


def judge(part: Part, values: list[float | None], up: dict[str, float], firing: set[str]) -> tuple[State, str]:
    """A part's state and why, worst first: a component down, a page, a ticket, a figure that is unusual."""
    down = [name for name in part.components if up.get(name) == 0]
    fired = [name for name in part.alerts if name in firing]
    if down:
        return "bad", "not ready" if len(down) == len(part.components) else f"{', '.join(down)} not ready"
    if any(alert(name).severity == "page" for name in fired):
        return "bad", ", ".join(fired)
    if fired:
        return "warn", ", ".join(fired)
    odd = [
        fact.label
        for fact, value in zip(part.facts, values, strict=True)
        if outside(value, fact.usual) and fact.panel != "alerts"
    ]
    if odd:
        return "warn", f"unusual: {', '.join(odd)}"
    if part.components and not any(name in up for name in part.components):
        return "unknown", "not heard of"
    if not part.components and all(value is None for value in values):
        return "unknown", "no figures"
    return "ok", "as usual"


async def overview(prometheus: Prometheus) -> dict[str, Any]:
    """The whole map, for the page."""
    facts = [fact for part in PARTS for fact in part.facts]
    up, pending, world, speed, *values = await asyncio.gather(
        prometheus.values("min by (component) (ontime_component_up)", "component"),
        prometheus.alerts(),
        prometheus.value("max(ontime_world_timestamp_seconds)"),
        prometheus.value("max(ontime_world_speed)"),
        *(prometheus.value(fact.expr) for fact in facts),
    )
    firing = {one["labels"]["alertname"] for one in pending if one["state"] == "firing"}
    known = iter(values)
    parts = []
    for part in PARTS:
        own = [next(known) for _ in part.facts]
        state, why = judge(part, own, up, firing)
        parts.append(
            {
                "id": part.id,
                "title": part.title,
                "role": part.role,
                "feeds": part.feeds,
                "state": state,
                "why": why,
                "alerts": sorted(firing & set(part.alerts)),
                "facts": [
                    {
                        "label": fact.label,
                        "unit": fact.unit,
                        "usual": fact.usual,
                        "value": value,
                        "outside": outside(value, fact.usual),
                    }
                    for fact, value in zip(part.facts, own, strict=True)
                ],
            }
        )
    return {"world": world, "speed": speed, "parts": parts, "firing": len(firing)}
