"""Sees what acts on the platform: deploys, moved aliases, DAG runs. Only read; asks nothing of the candidate's code."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from ontime.errors import OntimeError
from ontime.registry import RegistryReader
from ontime.settings import Environment

from brownout import entries as e

_ENDED = "SELECT dag_id, run_id, run_type, state FROM dag_run WHERE state IN ('success', 'failed')"


@dataclass(frozen=True, slots=True)
class Seen:
    """`entry` is None for what is no person's doing: probes look again, and the ledger keeps quiet."""

    entry: e.Change | None


class Changes:
    """Remembers what it saw last; the first look finds nothing new."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._registry = RegistryReader(environment.mlflow_url, timeout=httpx.Timeout(2.0, connect=0.5))
        self._release = self._current()
        self._aliases: dict[str, int] | None = None
        self._runs: set[tuple[str, str]] | None = None

    def look(self) -> list[Seen]:
        return [*self._deploys(), *self._moves(), *self._dag_runs()]

    def _current(self) -> str:
        try:
            return Path(self._environment.current).resolve(strict=True).name
        except OSError:
            return ""

    def _deploys(self) -> Iterator[Seen]:
        now = self._current()
        if now and now != self._release:
            self._release = now
            yield Seen(e.Change(what="deploy", subject=now, detail=now[:12]))

    def _moves(self) -> Iterator[Seen]:
        try:
            now = dict(self._registry.aliases())
        except OntimeError:
            return
        before, self._aliases = self._aliases, now
        if before is None:
            return
        for alias in sorted(now.keys() | before.keys()):
            if now.get(alias) != before.get(alias):
                moved = f"{alias}: version {before.get(alias, 'none')} → {now.get(alias, 'none')}"
                yield Seen(e.Change(what="alias", subject=alias, detail=moved))

    def _dag_runs(self) -> Iterator[Seen]:
        now = self._ended_runs()
        if now is None:
            return
        before, self._runs = self._runs, set(now)
        if before is None:
            return
        for key, (kind, state) in now.items():
            if key not in before:
                by_hand = kind not in ("scheduled", "asset_triggered")
                detail = f"{key[0]}, started by hand: {state}"
                yield Seen(e.Change(what="dag_run", subject=key[0], detail=detail) if by_hand else None)

    def _ended_runs(self) -> dict[tuple[str, str], tuple[str, str]] | None:
        database = self._environment.state / "airflow" / "airflow.db"
        if not database.exists():
            return None
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=2.0)) as db:
                return {(dag, run): (kind, state) for dag, run, kind, state in db.execute(_ENDED)}
        except sqlite3.Error:
            return None
