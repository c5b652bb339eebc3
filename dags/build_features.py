"""Slow features of each New York midnight that has passed → warehouse → online store."""

from datetime import timedelta

from airflow.sdk import Asset, Param, dag, get_current_context, task

SLOW_FEATURES = Asset("slow_features")


@dag(
    description="Route, carrier, origin-hour and aircraft features of the last 28 days, as of local midnight.",
    schedule="*/3 * * * *",
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    default_args={
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "execution_timeout": timedelta(minutes=4),
        "pool": "heavy",
    },
    params={
        "recompute_days": Param(0, type="integer", minimum=0, maximum=30, description="Days to build again."),
    },
    tags=["features"],
    doc_md=__doc__,
)
def build_features() -> None:
    @task(outlets=[SLOW_FEATURES])
    def build() -> dict[str, int]:
        """Works on the midnights in (last materialized, world now); skipped when there are none."""
        from airflow.sdk.exceptions import AirflowSkipException

        from ontime.jobs.build_features import build
        from ontime.settings import environment

        built = build(environment(), get_current_context()["params"]["recompute_days"])
        if not built.midnights:
            raise AirflowSkipException("No midnight has passed since the last run.")
        return built.rows

    build()


build_features()
