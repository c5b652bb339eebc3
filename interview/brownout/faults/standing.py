"""A registry that was left alone since another season: two versions of then, promoted then, and nothing after them.

The platform's own past follows: its prediction log holds those versions' scores, and Prometheus shows them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pyarrow as pa

from brownout.errors import PreparationError
from brownout.faults.context import InjectContext
from brownout.faults.models import Retraining
from brownout.faults.registering import register, training_days
from brownout.http import client
from brownout.registry_api import MODEL, RegistryApi
from brownout.settings import ROOT
from ontime.contract import FEATURE_NAMES, NEW_YORK
from ontime.registry import ALIASES, CHAMPION, PREVIOUS, RegistryReader
from ontime.scorer import Scorer
from ontime.warehouse import TABLES, Warehouse, replace_file

FOLLOWED_SECONDS = 60.0
PROMOTED_SECONDS = 180.0
PROMOTE = """
import sys
from datetime import datetime
from ontime.registry.promotion import promote
from ontime.settings import behaviour, environment
from ontime.warehouse import Warehouse

for version, present in (pair.split("@") for pair in sys.argv[1:]):
    promote(
        int(version),
        url=environment().mlflow_url,
        warehouse=Warehouse(environment().warehouse),
        behaviour=behaviour(),
        present=datetime.fromisoformat(present),
    )
"""


def stand(context: InjectContext, previous: Retraining, champion: Retraining, description: str) -> tuple[str, str]:
    """Returns the versions (previous, champion). Raises `PreparationError` when a gate of then would have refused."""
    from brownout.faults.making import make  # training and export: the proctor, which names this, goes without

    api = RegistryApi(context.environment.mlflow_url, 60.0)
    with RegistryReader(context.environment.mlflow_url) as reader:
        replaced, aliases = reader.versions(), reader.aliases()
    days = [training_days(recipe, context.world.now()) for recipe in (previous, champion)]
    made = [make(r, d.first, d.last, context.harness) for r, d in zip((previous, champion), days, strict=True)]
    older, newer = (register(api, directory, description) for directory in made)
    for alias in set(aliases) & set(ALIASES):
        api.call("DELETE", "registered-models/alias", {"name": MODEL, "alias": alias})
    _promote(context, {older: days[0].last, newer: days[1].last})
    for version in replaced:
        api.delete_version(str(version.version))
        api.call("POST", "runs/delete", {"run_id": version.run_id})
    _follow(context, newer)
    context.platform.ontime("stop", "prometheus")
    context.platform.ontime("stop", "serving")
    files = [directory / "files" / "model" / "model.onnx" for directory in made]
    rewrite(context.environment.warehouse, {PREVIOUS: (older, files[0]), CHAMPION: (newer, files[1])})
    shutil.rmtree(context.environment.state / "prometheus" / "data", ignore_errors=True)
    context.platform.ontime("up")
    return older, newer


def _promote(context: InjectContext, trained: dict[str, date]) -> None:
    """Each through the gates, by this checkout's code, on the morning after its held-out days."""
    from brownout.faults.making import HELD_OUT_DAYS

    asked = []
    for version, last in trained.items():
        morning = datetime.combine(last + timedelta(days=HELD_OUT_DAYS + 1), clock_time(5), ZoneInfo(NEW_YORK))
        asked.append(f"{version}@{morning.isoformat()}")
    variables = {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)]),
        "ONTIME_STATE": str(context.environment.state),
        "ONTIME_MLFLOW_URL": context.environment.mlflow_url,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROMOTE, *asked],
            capture_output=True,
            text=True,
            timeout=PROMOTED_SECONDS,
            check=False,
            cwd=ROOT,
            env={**os.environ, **variables},
        )
    except subprocess.TimeoutExpired as error:
        raise PreparationError(f"Promoting {', '.join(asked)} took over {PROMOTED_SECONDS:.0f} s.") from error
    if done.returncode:
        raise PreparationError(f"Promoting {', '.join(asked)} failed: {done.stderr.strip()[-400:]}")


def _follow(context: InjectContext, version: str) -> None:
    """Waits until serving answers with the version. Raises `PreparationError` when it does not."""
    deadline = time.monotonic() + FOLLOWED_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = client().get(f"{context.environment.serving_url}/readyz", timeout=5.0)
            if answer.json().get("model_version") == version:
                return
        except (httpx.HTTPError, json.JSONDecodeError):
            pass
        time.sleep(0.5)
    raise PreparationError(f"Serving does not answer with version {version}. See `ontime logs serving`.")


def rewrite(warehouse: Path, models: dict[str, tuple[str, Path]]) -> int:
    """Scores the prediction log anew, each row on its own logged features; returns how many rows.

    Rows that no model answered stay as they are. Nobody else may be writing.
    """
    scored = {alias: (version, Scorer(path)) for alias, (version, path) in models.items()}
    schema, rows = TABLES["predictions"].schema, 0
    for path in Warehouse(warehouse).files("predictions"):
        table = Warehouse(warehouse)._read_file(path, TABLES["predictions"])
        found = rescored(table, scored)
        owner = path.stat()
        replace_file(path, found.cast(schema))
        os.chown(path, owner.st_uid, owner.st_gid)
        os.utime(path, ns=(owner.st_atime_ns, owner.st_mtime_ns + 1))
        rows += found.num_rows
    return rows


def rescored(rows: pa.Table, models: dict[str, tuple[str, Scorer]]) -> pa.Table:
    """The rows with both models' scores and versions, where a model had answered."""
    matrix = np.column_stack([rows[name].to_numpy().astype(np.float32) for name in FEATURE_NAMES])
    mine = np.array([version.isdigit() for version in rows["model_version"].to_pylist()], bool)
    (champion, scorer), (previous, shadow) = models[CHAMPION], models[PREVIOUS]
    columns = {
        "late_probability": np.where(mine, scorer.score(matrix), rows["late_probability"].to_numpy()),
        "previous_probability": shadow.score(matrix),
        "model_version": np.where(mine, champion, rows["model_version"].to_numpy(zero_copy_only=False)),
        "previous_version": [previous] * rows.num_rows,
    }
    for name, values in columns.items():
        position = rows.schema.get_field_index(name)
        rows = rows.set_column(
            position, rows.schema.field(position), pa.array(values, rows.schema.field(position).type)
        )
    return rows
