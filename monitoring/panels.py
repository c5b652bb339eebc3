"""The panels, defined once: rendered as the dashboards page and as Grafana's JSON.

Thresholds are not written here: a panel names its alerts, and their thresholds come from the rule files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from monitoring.alerts import Alert, alert
from ontime.errors import UnknownNameError

Unit = Literal["ratio", "seconds", "per_second", "dollars", "number", "version", "log", "state"]
Kind = Literal["lines", "states"]


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; `{{label}}` in `legend` is replaced by the label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """`question` is what the panel answers. `alerts` are drawn in: their thresholds, and when they fired.

    `empty` is what no data means, where that is good news. `draws_thresholds` is off where an alert looks at another
    quantity than the one that is plotted.
    """

    id: str
    title: str
    question: str
    unit: Unit
    queries: tuple[Query, ...]
    alerts: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    kind: Kind = "lines"
    empty: str = "Nothing recorded in this range."
    draws_thresholds: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    title: str
    panels: tuple[Panel, ...]


def _view_ages(views: str) -> Query:
    return Query(f'max by (view) (ontime_view_age_seconds{{view=~"{views}",quantile="0.5"}})', "{{view}}")


def _watched(alert_name: str) -> str:
    """The features that an alert looks at, as its rule writes them."""
    match = re.search(r'feature=~"([^"]+)"', alert(alert_name).expr)
    return match[1] if match else ".+"


NEVER_NULL, NEVER_ZERO = _watched("FeatureNullsHigh"), _watched("FeatureZerosHigh")

ROWS: tuple[Row, ...] = (
    Row(
        "up",
        "Is it up?",
        (
            Panel(
                "components",
                "Components",
                "Which component could not work, and when?",
                "state",
                (Query("min by (component) (ontime_component_up)", "{{component}}"),),
                ("ComponentDown", "ServingDown", "IngestDown"),
                kind="states",
            ),
            Panel(
                "alerts",
                "Alerts",
                "What has fired?",
                "state",
                (Query('max by (alertname) (1 - ALERTS{alertstate="firing"})', "{{alertname}}"),),
                kind="states",
                empty="Nothing has fired in this range.",
            ),
        ),
    ),
    Row(
        "traffic",
        "Traffic and latency",
        (
            Panel(
                "requests",
                "Requests",
                "How much is asked?",
                "per_second",
                (Query("size:ontime_predict_requests:rate1m", "{{size}}"),),
                ("NoTraffic",),
                low=0,
            ),
            Panel(
                "failures",
                "Failed, refused and degraded",
                "What share is not a full answer?",
                "ratio",
                (
                    Query("ontime:predict_errors:ratio1m", "failed"),
                    Query("ontime:predict_refused:ratio1m", "refused"),
                    Query("ontime:predictions_degraded:ratio1m", "degraded"),
                ),
                ("PredictErrorsHigh", "PredictRefusalsHigh", "DegradedAnswersHigh"),
                low=0,
            ),
            Panel(
                "latency_single",
                "Latency, single flight",
                "How long does one answer take?",
                "seconds",
                (
                    Query('size:ontime_predict_duration_seconds:p50_1m{size="single"}', "p50"),
                    Query('size:ontime_predict_duration_seconds:p99_1m{size="single"}', "p99"),
                ),
                ("SingleLatencyHigh",),
                low=0,
            ),
            Panel(
                "latency_batch",
                "Latency, batch",
                "How long does a departure board take?",
                "seconds",
                (
                    Query('size:ontime_predict_duration_seconds:p50_1m{size="batch"}', "p50"),
                    Query('size:ontime_predict_duration_seconds:p99_1m{size="batch"}', "p99"),
                ),
                ("BatchLatencyHigh",),
                low=0,
            ),
            Panel(
                "events",
                "Upstream events",
                "What arrives from upstream?",
                "per_second",
                (Query("kind:ontime_events:rate1m", "{{kind}}"),),
                low=0,
            ),
            Panel(
                "rejected",
                "Events refused",
                "What share of events breaks the contract?",
                "ratio",
                (Query("ontime:events_rejected:ratio1m", "refused"),),
                ("EventsRejectedHigh",),
                low=0,
            ),
        ),
    ),
    Row(
        "features",
        "Features",
        (
            Panel(
                "fresh_ages",
                "Age of fresh features when read",
                "How old is what predictions are made from?",
                "seconds",
                (_view_ages("origin_fresh|destination_fresh|carrier_fresh"),),
                ("FreshFeaturesOld",),
                low=0,
            ),
            Panel(
                "slow_ages",
                "Age of slow features when read",
                "Did last night's figures arrive?",
                "seconds",
                (_view_ages(".+_slow"),),
                ("SlowFeaturesOld",),
                low=0,
            ),
            Panel(
                "other_ages",
                "Age of weather and aircraft rows",
                "When was the weather observed, the aircraft last seen?",
                "seconds",
                (_view_ages("weather_fresh|aircraft_fresh"),),
                ("WeatherOld",),
                low=0,
            ),
            Panel(
                "watermark",
                "Ingest's lag",
                "How far behind the world is ingest?",
                "seconds",
                (Query("ontime:fresh_watermark_lag_seconds", "watermark"),),
                ("IngestLagging",),
                low=0,
            ),
            Panel(
                "parity",
                "Parity: served values that differ",
                "Is what was served what the warehouse says?",
                "ratio",
                (Query("max by (view) (ontime_parity_mismatch_ratio)", "{{view}}"),),
                ("ParityMismatchHigh",),
                low=0,
            ),
            Panel(
                "parity_scores",
                "Parity: shift of scores",
                "Would the warehouse's features have given other scores?",
                "number",
                (Query("max(ontime_parity_score_shift)", "mean shift"),),
                ("ParityScoreShiftHigh",),
                low=0,
            ),
            Panel(
                "nulls",
                "Nulls",
                "Which features that are never null are missing?",
                "ratio",
                (
                    Query(
                        f'max by (feature) (ontime_feature_null_ratio{{feature=~"{NEVER_NULL}"}}) > 0.01', "{{feature}}"
                    ),
                ),
                ("FeatureNullsHigh",),
                low=0,
                empty="No such feature is null in more than 1 % of predictions.",
            ),
            Panel(
                "zeros",
                "Zeros",
                "Which features that are never zero are filled in with it?",
                "ratio",
                (
                    Query(
                        f'max by (feature) (ontime_feature_default_ratio{{feature=~"{NEVER_ZERO}"}}) > 0.01',
                        "{{feature}}",
                    ),
                ),
                ("FeatureZerosHigh",),
                low=0,
                empty="No such feature is zero in more than 1 % of predictions.",
            ),
            Panel(
                "request_means",
                "What is asked about",
                "Are schedules still described in the same units?",
                "number",
                (
                    Query(
                        'avg by (feature) (ontime_feature_mean{feature=~"distance_miles|scheduled_minutes"})',
                        "{{feature}}",
                    ),
                ),
                ("FeatureMeanShifted",),
                low=0,
                draws_thresholds=False,
            ),
            Panel(
                "rows_missing",
                "Rows not in the online store",
                "Which reads find nothing?",
                "ratio",
                (Query("view:ontime_feature_rows_missing:ratio1m", "{{view}}"),),
                ("FeatureRowsMissing",),
                low=0,
            ),
        ),
    ),
    Row(
        "quality",
        "Quality",
        (
            Panel(
                "log_loss",
                "Log loss, last world day",
                "How good are the scores of flights that have landed?",
                "log",
                (Query("max by (model) (ontime_quality_log_loss)", "{{model}}"),),
            ),
            Panel(
                "paired",
                "Champion minus previous",
                "Is the champion better than its predecessor on the same flights?",
                "log",
                (Query("max(ontime_quality_paired_log_loss)", "difference in log loss"),),
                ("PairedLogLossHigh",),
            ),
            Panel(
                "calibration",
                "Calibration: ln(observed / expected)",
                "Are as many flights late as was said?",
                "log",
                (Query("max(ontime_quality_observed_expected_ln)", "ln(O/E)"),),
                ("CalibrationOff",),
            ),
            Panel(
                "auc",
                "AUC, last world day",
                "Does it still tell late from punctual? (A trend: too noisy to alert on.)",
                "number",
                (Query("max(ontime_quality_auc)", "AUC"),),
                low=0.4,
                high=1,
            ),
            Panel(
                "scores",
                "Scores, last world hour",
                "What is being answered?",
                "ratio",
                (
                    Query('max(ontime_prediction_quantile{quantile="0.05"})', "5 %"),
                    Query('max(ontime_prediction_quantile{quantile="0.25"})', "25 %"),
                    Query('max(ontime_prediction_quantile{quantile="0.5"})', "median"),
                    Query('max(ontime_prediction_quantile{quantile="0.75"})', "75 %"),
                    Query('max(ontime_prediction_quantile{quantile="0.95"})', "95 %"),
                    Query("max(ontime_prediction_mean)", "mean"),
                ),
                ("ScoresShifted",),
                low=0,
                high=1,
            ),
            Panel(
                "labels",
                "Labels' lag",
                "When did the newest known flight land?",
                "seconds",
                (Query("max(ontime_label_lag_seconds)", "lag"),),
                ("LabelsLate",),
                low=0,
            ),
        ),
    ),
    Row(
        "model",
        "Model",
        (
            Panel(
                "versions",
                "Version served, version meant",
                "Does the champion answer?",
                "version",
                (
                    Query("max(ontime_champion_version)", "champion alias"),
                    Query("max(ontime_served_version)", "served"),
                ),
                ("ChampionNotServed", "RegistryDown", "ModelLoadsFailing"),
            ),
            Panel(
                "drift",
                "Features drifted",
                "How much of the input has changed against matched hours?",
                "ratio",
                (Query("max(ontime_drift_share)", "share"),),
                ("DriftShareHigh",),
                low=0,
                high=1,
            ),
            Panel(
                "drift_scores",
                "Largest drift by feature",
                "What has changed most?",
                "number",
                (Query("topk(6, max by (feature) (ontime_drift_score))", "{{feature}}"),),
                low=0,
            ),
            Panel(
                "report_age",
                "Age of the drift report",
                "Is anybody still looking?",
                "seconds",
                (Query("max(ontime_report_age_seconds)", "age"),),
                ("ReportStale",),
                low=0,
            ),
        ),
    ),
    Row(
        "money",
        "Money",
        (
            Panel(
                "loss",
                "Cost of wrong announcements, a world hour",
                "What do errors cost?",
                "dollars",
                (Query("max by (kind) (ontime_loss_dollars_per_hour)", "{{kind}}"),),
                low=0,
            ),
            Panel(
                "cpu",
                "CPU for 1,000 predictions",
                "What does an answer cost?",
                "seconds",
                (Query("max(ontime_cpu_seconds_per_1000_predictions)", "CPU seconds"),),
                low=0,
            ),
            Panel(
                "losses",
                "Lost to monitoring",
                "Is anything not logged, or not looked at?",
                "per_second",
                (
                    Query("ontime:prediction_log_dropped:rate1m", "log rows dropped"),
                    Query("collector:ontime_exporter_errors:rate1m > 0", "{{collector}} failed"),
                ),
                ("PredictionLogDropping", "ExporterErrors", "ExporterDown"),
                low=0,
            ),
        ),
    ),
)

PANELS: dict[str, Panel] = {panel.id: panel for row in ROWS for panel in row.panels}


def panel(panel_id: str) -> Panel:
    try:
        return PANELS[panel_id]
    except KeyError:
        raise UnknownNameError.of("panel", panel_id, PANELS) from None


def thresholds(one: Panel) -> list[tuple[float, Alert]]:
    """The lines to draw: each alert's threshold, and its mirror image where the alert looks at the absolute value."""
    found = []
    for name in one.alerts if one.draws_thresholds else ():
        rule = alert(name)
        if rule.threshold is not None:
            found.append((rule.threshold, rule))
            if rule.expr.startswith("abs("):
                found.append((-rule.threshold, rule))
    return found


def panel_of(alert_name: str) -> Panel | None:
    """The panel that draws an alert."""
    return next((one for one in PANELS.values() if alert_name in one.alerts), None)
