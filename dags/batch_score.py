"""Tomorrow's schedule, scored whenever its features or the model are new: once a world day, or twelve minutes at 120×.

The parts are mapped over what `plan` finds, so that on an executor with many workers they run side by side.
"""

from datetime import timedelta

from airflow.sdk import Asset, dag, task

SLOW_FEATURES, CHAMPION = Asset("slow_features"), Asset("champion")
BATCH_SCORES = Asset("batch_scores")


@dag(
    description="Scores every flight that is announced for tomorrow with the champion.",
    schedule=(SLOW_FEATURES | CHAMPION),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    default_args={
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "execution_timeout": timedelta(minutes=4),
        "pool": "heavy",
    },
    tags=["model"],
    doc_md=__doc__,
)
def batch_score() -> None:
    @task
    def plan() -> list[str]:
        """The origins that have flights tomorrow."""
        from ontime.jobs.batch_score import plan
        from ontime.settings import environment

        return plan(environment())

    @task(outlets=[BATCH_SCORES])
    def score(origin: str) -> int:
        """Answers how many flights of the origin were scored."""
        from ontime.jobs.batch_score import score
        from ontime.settings import environment

        return score(environment(), origin)

    score.expand(origin=plan())


batch_score()
