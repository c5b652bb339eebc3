"""`python -m ontime.runtime.airflow_database`: Airflow's tables and our pool, in one process.

The `airflow` command would do the same in three, each of which imports Airflow anew.
"""

from __future__ import annotations

import sqlite3

from ontime.runtime.airflow_settings import HEAVY_POOL, HEAVY_SLOTS, home
from ontime.settings import Environment, environment


def is_prepared(here: Environment, version: str) -> bool:
    """Whether this Airflow version's tables and the pool are there."""
    marker, database = home(here) / "prepared", home(here) / "airflow.db"
    if not marker.exists() or marker.read_text() != version:
        return False
    if here.airflow_database:
        return _slots_elsewhere(here.airflow_database) == [(HEAVY_POOL, HEAVY_SLOTS)]
    if not database.exists():
        return False
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            rows = connection.execute("select slots from slot_pool where pool = ?", (HEAVY_POOL,)).fetchall()
    except sqlite3.Error:
        return False
    return rows == [(HEAVY_SLOTS,)]


def _slots_elsewhere(url: str) -> list[tuple[str, int]]:
    """The pool's row in a database that is not a file; none when it cannot be read."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_engine(url).connect() as connection:
            rows = connection.execute(
                text("select pool, slots from slot_pool where pool = :pool"), {"pool": HEAVY_POOL}
            )
            return [(str(pool), int(slots)) for pool, slots in rows]
    except SQLAlchemyError:
        return []


def main() -> None:
    from airflow import __version__
    from airflow.models.pool import Pool
    from airflow.utils import db

    db.initdb()
    Pool.create_or_update_pool(
        HEAVY_POOL, HEAVY_SLOTS, "Tasks that use much processor or memory: one at a time.", include_deferred=False
    )
    (home(environment()) / "prepared").write_text(__version__)


if __name__ == "__main__":
    main()
