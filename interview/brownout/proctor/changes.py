"""Sees what acts on the platform: deploys, moved aliases, DAG runs, silenced alerts. Only reads; runs nobody's code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from brownout import entries as e
from brownout.airflow_tables import ask
from brownout.kind.rollouts import Rollouts
from brownout.silences import active_silences
from ontime.errors import OntimeError
from ontime.files import replace_text
from ontime.registry import RegistryReader
from ontime.runtime.release import entries
from ontime.settings import Environment

_ENDED = "SELECT dag_id, run_id, run_type, state FROM dag_run WHERE state IN ('success', 'failed')"


@dataclass(frozen=True, slots=True)
class Seen:
    """`entry` is None for what is no person's doing: probes look again, and the ledger keeps quiet."""

    entry: e.Change | None


class Changes:
    """Remembers in a file what it saw last, across a crash of the proctor; the very first look finds nothing new."""

    def __init__(self, environment: Environment, memory: Path) -> None:
        self._environment = environment
        self._registry = RegistryReader(environment.mlflow_url, timeout=httpx.Timeout(2.0, connect=0.5))
        self._memory = memory
        known = self._remembered()
        self._rollouts = Rollouts(environment) if environment.runtime == "kind" else None
        self._release: str = known.get("release", "")
        self._aliases: dict[str, int] | None = known.get("aliases")
        self._silences: set[str] | None = set(known["silences"]) if "silences" in known else None
        runs = known.get("runs")
        self._runs: set[tuple[str, str]] | None = None if runs is None else {(dag, run) for dag, run in runs}

    def look(self) -> list[Seen]:
        before = (self._release, self._aliases, self._runs, self._silences)
        seen = [*self._deploys(), *self._rolled_out(), *self._moves(), *self._dag_runs(), *self._silenced()]
        if (self._release, self._aliases, self._runs, self._silences) != before:
            self._remember()
        return seen

    def _remembered(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            return {}
        return known

    def _remember(self) -> None:
        known: dict[str, Any] = {"release": self._release, "aliases": self._aliases, "runs": sorted(self._runs or ())}
        if self._silences is not None:
            known["silences"] = sorted(self._silences)
        replace_text(self._memory, json.dumps(known if self._runs is not None else {**known, "runs": None}))

    def _current(self) -> str:
        try:
            return Path(self._environment.current).resolve(strict=True).name
        except OSError:
            return ""

    def _deploys(self) -> Iterator[Seen]:
        now, before = self._current(), self._release
        if now and now != before:
            self._release = now
            if before:
                yield Seen(e.Change(what="deploy", subject=now, detail=self._subject(now)))

    def _rolled_out(self) -> Iterator[Seen]:
        if self._rollouts is not None:
            yield from (Seen(change) for change in self._rollouts.look(self._release))

    def _subject(self, release: str) -> str:
        """The release and what its commit says, as far as the releases' journal tells."""
        try:
            told = [entry.subject for entry in entries(self._environment) if entry.release == release]
        except (OSError, ValueError, OntimeError):
            told = []
        return f"{release} {told[-1]}"[:400] if told else release

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

    def _silenced(self) -> Iterator[Seen]:
        try:
            now = active_silences(self._environment.alertmanager_url)
        except (httpx.HTTPError, ValueError):
            return
        before, self._silences = self._silences, set(now)
        if before is None:
            return
        for silence in sorted(now.keys() - before):
            yield Seen(e.Change(what="silence", subject=silence, detail=f"alerts with {now[silence]}"[:400]))

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
        rows = ask(self._environment, _ENDED)
        return None if rows is None else {(dag, run): (kind, state) for dag, run, kind, state in rows}
