"""Retraining: validate → train and register → promote through the gates. Started by hand, or by whoever decides to."""

from datetime import timedelta

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, dag, task

CHAMPION = Asset("champion")
REFUSALS = ExceptionRetryPolicy(
    [
        RetryRule(
            ["ontime.errors.ContractError", "ontime.errors.GateRefusedError", "ontime.errors.ArtifactError"],
            action=RetryAction.FAIL,
            reason="Trying again would be refused again.",
        )
    ]
)


@dag(
    description="Trains on the last 95 days, evaluates on the last 14 of them, and promotes what passes every gate.",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=15),
    default_args={
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "execution_timeout": timedelta(minutes=5),
        "pool": "heavy",
        "retry_policy": REFUSALS,
    },
    tags=["model"],
    doc_md=__doc__,
)
def train_model() -> None:
    @task
    def validate() -> str:
        """Are the window's days there? Answers the world time that the other tasks hold on to."""
        from ontime.jobs.train_model import validate
        from ontime.settings import environment

        return validate(environment()).isoformat()

    @task
    def train_and_register(present: str) -> int:
        """Features, training, evaluation, MLflow run, version: one task, since each alone would import it all."""
        from datetime import datetime

        from ontime.jobs.train_model import train_and_register
        from ontime.settings import environment

        return train_and_register(environment(), datetime.fromisoformat(present))

    @task(outlets=[CHAMPION])
    def promote(version: int, present: str) -> None:
        """Moves the alias `champion` when every gate passes; fails with each gate's reason when not."""
        from datetime import datetime

        from ontime.jobs.train_model import promote
        from ontime.settings import environment

        promote(environment(), version, datetime.fromisoformat(present))

    present = validate()
    promote(train_and_register(present), present)


train_model()
