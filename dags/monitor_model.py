"""Evidently's report of the last hours of the prediction log against a matched reference."""

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, dag, task

DRIFT_REPORT = Asset("drift_report")


@dag(
    description="Compares what the model was asked lately with the same hours of the fortnight before.",
    schedule="1-59/3 * * * *",
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    default_args={
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "execution_timeout": timedelta(minutes=4),
        "pool": "heavy",
    },
    tags=["monitoring"],
    doc_md=__doc__,
)
def monitor_model() -> None:
    @task(outlets=[DRIFT_REPORT])
    def report() -> dict[str, Any]:
        """Answers the drift share and the names of the features that drifted."""
        from ontime.jobs.monitor_model import monitor
        from ontime.settings import environment

        return monitor(environment())

    report()


monitor_model()
