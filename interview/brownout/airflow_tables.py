"""Questions to Airflow's own tables, wherever the environment keeps them: a SQLite file, or PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from ontime.settings import Environment


def ask(environment: Environment, question: str, **given: str) -> list[tuple[Any, ...]] | None:
    """The rows of a `SELECT` with `:name` parameters; None when there are no tables, or they cannot be read now."""
    if environment.airflow_database:
        return _ask_server(environment.airflow_database, question, given)
    database = environment.state / "airflow" / "airflow.db"
    if not database.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5.0)) as connection:
            return list(connection.execute(question, given))
    except sqlite3.Error:
        return None


def _ask_server(url: str, question: str, given: dict[str, str]) -> list[tuple[Any, ...]] | None:
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        with create_engine(url, poolclass=NullPool).connect() as connection:
            return [tuple(row) for row in connection.execute(text(question), given)]
    except SQLAlchemyError:
        return None
