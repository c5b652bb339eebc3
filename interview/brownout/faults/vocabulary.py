"""The words in which a finding is stated; the same in every scenario, so that the list itself tells nothing."""

from __future__ import annotations

from typing import Literal, get_args

Component = Literal[
    "upstream",
    "ingest",
    "feature_repo",
    "warehouse",
    "build_features",
    "train_model",
    "monitor_model",
    "batch_score",
    "registry",
    "serving",
    "monitoring",
    "runtime",
    "none",
]
FailureClass = Literal[
    "stale_data",
    "data_drift",
    "unit_or_schema_change",
    "wrong_join_or_key",
    "training_serving_skew",
    "label_leakage",
    "bad_promotion",
    "slow_model",
    "resource_limit",
    "hidden_errors",
    "misconfiguration",
    "nothing_is_broken",
]
Layer = Literal["data", "features", "training", "serving", "platform", "control"]
Level = Literal["junior", "mid", "senior"]
Runtime = Literal["any", "kind"]
EvidenceSource = Literal[
    "mlflow",
    "airflow",
    "prometheus",
    "dashboards",
    "reports",
    "logs",
    "git",
    "feature_store",
    "serving",
    "warehouse",
]
"""Where on the platform something can be read; the same words on a scorecard's list of what was consulted."""

COMPONENTS: tuple[str, ...] = get_args(Component)
FAILURE_CLASSES: tuple[str, ...] = get_args(FailureClass)
LAYERS: tuple[str, ...] = get_args(Layer)
LEVELS: tuple[str, ...] = get_args(Level)
EVIDENCE_SOURCES: tuple[str, ...] = get_args(EvidenceSource)
