"""Offline windows with the model of the baseline `may`, which is built when it is not there; nothing has to run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from brownout import baselines
from brownout.errors import BaselineError
from brownout.probes import AnyProbe
from brownout.quiet import kept
from brownout.quiet.verdict import Verdict
from brownout.settings import Harness
from ontime.registry import CHAMPION, MODEL_DIRECTORY, MODEL_FILE
from ontime.settings import Environment

BASELINE = "may"


def look(
    probes: Mapping[str, AnyProbe],
    count: int,
    harness: Harness,
    environment: Environment,
    tell: Callable[[str, str, str], None],
) -> list[Verdict]:
    """Verdicts on `probes` under the caller's names. Raises what building a baseline raises."""
    tell("champion", "started", BASELINE)
    model = champion(baselines.build(BASELINE, environment, harness))
    tell("champion", "done", str(model))
    found: list[Verdict] = []
    for name, probe in probes.items():
        tell(name, "started", probe.name)
        verdict = kept.of(probe, count, model, harness)
        found.append(Verdict(name, verdict.how, verdict.results))
        tell(name, "done", str(verdict))
    return found


def champion(snapshot: Path) -> Path:
    """The champion's file in a baseline's snapshot. Raises `BaselineError` when it is not there."""
    place = snapshot / "state" / "mlflow"
    with closing(sqlite3.connect(f"file:{place / 'mlflow.db'}?mode=ro", uri=True)) as db:
        row = db.execute(
            "SELECT run_id FROM model_versions JOIN registered_model_aliases USING (name, version) WHERE alias = ?",
            (CHAMPION,),
        ).fetchone()
    found = sorted((place / "artifacts").glob(f"*/{row[0]}/artifacts/{MODEL_DIRECTORY}/{MODEL_FILE}")) if row else []
    if not found:
        raise BaselineError(f"{snapshot} holds no {MODEL_FILE} of a {CHAMPION}. Remove it; it is built anew.")
    return found[0]
