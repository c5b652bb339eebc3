"""All settings, in two halves.

`Environment` holds addresses and paths and comes only from environment variables (`ONTIME_*`).
`Behaviour` holds everything that changes what the platform decides, and comes only from the tracked `ontime.toml`.
Both are validated when a process starts; a bad value stops it with the key, the value and what was expected.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ontime.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
"""The tree that this code runs from: a release, or a checkout."""


class Environment(BaseSettings):
    """Where things are. Nothing here changes a decision."""

    model_config = SettingsConfigDict(env_prefix="ONTIME_", frozen=True, extra="ignore")

    state: Path = Field(default=Path.home() / ".local/state/ontime", description="Directory of all platform state.")
    runtime: Literal["local", "kind"] = Field(default="local", description="Where the components run.")
    store: Literal["local", "kind"] = Field(default="local", description="Which Feast store configuration is used.")
    host: str = Field(default="127.0.0.1", description="Address that local servers bind to.")
    ingest_url: str = Field(default="http://127.0.0.1:7101", description="Base URL of ingest.")
    serving_url: str = Field(default="http://127.0.0.1:7102", description="Base URL of serving.")
    mlflow_url: str = Field(default="http://127.0.0.1:7103", description="Base URL of MLflow.")
    airflow_url: str = Field(default="http://127.0.0.1:7104", description="Base URL of Airflow's API server.")
    prometheus_url: str = Field(
        default="http://127.0.0.1:7105/prometheus",
        description="Base URL of Prometheus. Its pages work behind one port when the path is `/prometheus`.",
    )
    alertmanager_url: str = Field(default="http://127.0.0.1:7106", description="Base URL of Alertmanager.")
    exporter_url: str = Field(default="http://127.0.0.1:7107", description="Base URL of the exporter.")
    dashboards_url: str = Field(default="http://127.0.0.1:7108", description="Base URL of the dashboards page.")
    redis_url: str = Field(default="", description="Redis for the online store; only with store=kind.")
    mlflow_database: str = Field(
        default="", description="SQLAlchemy URL of MLflow's tables, without a password; default: SQLite in the state."
    )
    artifacts_url: str = Field(
        default="", description="Where MLflow keeps artifacts, such as s3://bucket/path; default: in the state."
    )
    airflow_database: str = Field(
        default="", description="SQLAlchemy URL of Airflow's tables, without a password; default: SQLite in the state."
    )
    airflow_executor: Literal["LocalExecutor", "KubernetesExecutor"] = Field(
        default="LocalExecutor", description="Where Airflow's tasks run: beside the scheduler, or in a pod each."
    )
    airflow_parallelism: int = Field(default=2, ge=1, description="Airflow's tasks at a time, over all DAGs.")
    pod_template: Path | None = Field(
        default=None, description="Pod template of Airflow's tasks; only with the KubernetesExecutor."
    )
    serving_pods: str = Field(
        default="", description="DNS name of every serving pod, for Prometheus; default: the host of the serving URL."
    )
    namespace: str = Field(
        default="ontime", pattern=r"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$", description="Kubernetes namespace."
    )
    cluster: str = Field(
        default="ontime", pattern=r"^[a-z0-9.-]{1,40}$", description="Name of the kind cluster that is made and used."
    )
    public_hosts: str = Field(
        default="",
        description="Host names, with port and separated by commas, under which people reach web pages from elsewhere.",
    )
    serving_workers: int = Field(default=1, ge=1, le=16, description="Worker processes of serving.")
    clock_file: Path | None = Field(default=None, description="Clock file; default: clock.json in the state directory.")

    @property
    def clock(self) -> Path:
        return self.clock_file or self.state / "clock.json"

    @property
    def airflow_pages(self) -> str:
        """Airflow's pages live below a path, so that a proxy can offer them below the same one.

        `/api/v2` also answers without the path, but neither tokens nor what tasks call do.
        """
        return f"{self.airflow_url.rstrip('/')}/airflow"

    @property
    def warehouse(self) -> Path:
        return self.state / "warehouse"

    @property
    def landing(self) -> Path:
        return self.state / "landing"

    @property
    def online(self) -> Path:
        return self.state / "online"

    @property
    def reports(self) -> Path:
        return self.state / "reports"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def releases(self) -> Path:
        return self.state / "releases"

    @property
    def current(self) -> Path:
        return self.state / "current"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestBehaviour(Section):
    flush_seconds: float = Field(
        1.0, gt=0, description="Wall seconds between writes of accepted events to the warehouse."
    )
    fresh_every_minutes: int = Field(5, ge=1, description="World minutes between two computations of fresh features.")
    history_hours: int = Field(72, ge=48, description="World hours of events that ingest keeps in memory.")


class ServingBehaviour(Section):
    poll_seconds: float = Field(2.0, gt=0, description="Wall seconds between two looks at the champion alias.")
    feature_cache_seconds: float = Field(0.5, ge=0, description="Wall seconds that a feature row read may be reused.")
    max_fresh_age_minutes: float = Field(
        45.0,
        gt=0,
        description="World age above which a fresh view counts as missing-in-time (a reason, not a refusal).",
    )
    log_flush_seconds: float = Field(1.0, gt=0, description="Wall seconds between two writes of the prediction log.")
    log_queue_rows: int = Field(
        200_000, ge=1000, description="Rows that may wait for the log before new ones are dropped and counted."
    )
    challenger_share: float = Field(0.0, ge=0, le=1, description="Share of flights answered by the challenger alias.")
    intra_op_threads: int = Field(1, ge=1, description="ONNX Runtime threads inside one operator.")
    allow_spinning: bool = Field(False, description="Whether ONNX Runtime's threads spin while idle.")
    prior_late_rate: float = Field(0.23, ge=0, le=1, description="Fallback answer when a route's prior is missing.")


class TrainingBehaviour(Section):
    window_days: int = Field(95, ge=14, description="Days of labelled flights to train on.")
    holdout_days: int = Field(14, ge=3, description="Last days kept for evaluation and gates.")
    trees: int = Field(200, ge=1, description="Boosting rounds.")
    learning_rate: float = Field(0.06, gt=0, le=1, description="LightGBM learning rate.")
    leaves: int = Field(31, ge=2, description="Leaves per tree.")
    min_leaf_rows: int = Field(200, ge=1, description="Rows a leaf must hold.")
    seed: int = Field(7, description="Seed of every random choice in training.")
    threads: int = Field(2, ge=1, description="Training threads; fixed, so that a model is reproducible.")


class GateBehaviour(Section):
    min_rows: int = Field(20_000, ge=1, description="Labelled rows a version must have been trained on.")
    max_log_loss_increase: float = Field(0.01, ge=0, description="Log loss above the champion's on the same days.")
    max_slice_log_loss_increase: float = Field(0.03, ge=0, description="The same, for the worst slice.")
    max_calibration_error: float = Field(
        0.08, gt=0, description="|ln(observed/expected)| above the champion's on the same days."
    )
    max_first_calibration_error: float = Field(
        0.25, gt=0, description="|ln(observed/expected)| of a version that has no champion to be compared with."
    )
    max_onnx_delta: float = Field(1e-5, gt=0, description="Largest |p(LightGBM) − p(ONNX)| on a held-out day.")
    max_latency_ratio: float = Field(8.0, gt=0, description="Batch-of-120 latency over that of the reference ensemble.")
    max_unavailable_features: int = Field(
        0, ge=0, description="Training features that were not available at their use."
    )


class MonitoringBehaviour(Section):
    every_seconds: float = Field(5.0, gt=0, description="Wall seconds between two computations of the exporter.")
    quality_window_hours: float = Field(
        24.0, gt=0, description="World hours of labelled flights behind quality figures."
    )
    live_window_minutes: float = Field(60.0, gt=0, description="World minutes behind live figures.")
    parity_sample: int = Field(60, ge=1, description="Newest predictions recomputed per look.")
    parity_tolerance: float = Field(1e-3, gt=0, description="Relative difference above which a feature mismatches.")
    missed_delay_dollars: float = Field(90.0, ge=0, description="Cost of a delay that was not announced.")
    false_alarm_dollars: float = Field(30.0, ge=0, description="Cost of a delay announced that did not come.")
    alarm_threshold: float = Field(0.4, gt=0, lt=1, description="Probability from which a delay is announced.")
    drift_window_hours: float = Field(24.0, gt=0, description="World hours of predictions that a report looks at.")


class Behaviour(Section):
    """The whole of `ontime.toml`, one field a section."""

    ingest: IngestBehaviour = IngestBehaviour()
    serving: ServingBehaviour = ServingBehaviour()
    training: TrainingBehaviour = TrainingBehaviour()
    gates: GateBehaviour = GateBehaviour()
    monitoring: MonitoringBehaviour = MonitoringBehaviour()


def _refusal(source: str, error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return ConfigError(f"Config {key!r} in {source} has value {first['input']!r}. {first['msg']}.")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """This process's environment. Raises `ConfigError`."""
    try:
        return Environment()
    except ValidationError as error:
        raise _refusal("the environment (ONTIME_*)", error) from error


def load_behaviour(path: Path) -> Behaviour:
    """Reads one `ontime.toml`. Raises `ConfigError` naming key, value and expectation."""
    try:
        return Behaviour.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing. It is tracked in the repository: restore it with git.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise _refusal(str(path), error) from error


@lru_cache(maxsize=1)
def behaviour() -> Behaviour:
    """The behaviour of the tree that this process runs from."""
    return load_behaviour(ROOT / "ontime.toml")
