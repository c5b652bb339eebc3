"""What a candidate can reach on a running stack, as text: files, git objects, databases, processes, pages."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from ontime.runtime.kind.kubectl import Kubectl
from ontime.settings import Environment

MOST_BYTES = 40_000_000
"""Of one file; logs and databases of an interview are far smaller."""
SQLITE = b"SQLite format 3\0"
NOT_OURS = frozenset({"venv", "data"})
"""Directories without text of ours: an environment of packages, and Prometheus' blocks, which are asked instead."""
OPAQUE = {".parquet", ".onnx", ".png", ".gz", ".db-wal", ".db-shm", ".pyc"}
ASKED = {
    "ingest": ("metrics",),
    "serving": ("metrics", "docs.json"),
    "exporter": ("metrics",),
    "dashboards": ("", "inbox", "metrics"),
    "alertmanager": ("api/v2/alerts", "api/v2/silences", "api/v2/status"),
    "prometheus": (
        "api/v1/labels",
        "api/v1/metadata",
        "api/v1/rules",
        "api/v1/targets",
        "api/v1/alerts",
        "api/v1/status/config",
        "api/v1/status/flags",
    ),
}

READABLE = ("deployments", "replicasets", "pods", "services", "configmaps", "events")
"""Kinds of objects that the workstation's Role may read."""


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    text: str
    harness_may_be_named: bool = False


def in_reach(environment: Environment) -> Iterator[Place]:
    """Files and databases of the state, the workspace's git objects, processes, and what the components' pages say.

    On Kubernetes also every object of the platform's namespace that its on-call engineers may read.
    """
    yield from files(environment.state)
    yield from git_objects(environment.state / "workspace")
    yield from processes(environment)
    yield from pages(environment)
    if environment.runtime == "kind":
        yield from objects(environment)


def objects(environment: Environment) -> Iterator[Place]:
    """Raises `RuntimeStateError` when the API server does not tell."""
    for kind in READABLE:
        yield Place(f"{kind} of the namespace", Kubectl.of(environment)("get", kind, "-o", "json").stdout)


def files(root: Path) -> Iterator[Place]:
    """Names and contents of files; databases and parquet files as the rows that they hold, the latter's text only."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_symlink() or not path.is_file() or NOT_OURS & set(parts[:2]) or parts[-3:-1] == (".git", "objects"):
            continue
        name = str(path.relative_to(root))
        yield Place(f"the name of {name}", name)
        with suppress(FileNotFoundError):
            if path.suffix == ".parquet":
                yield Place(name, _strings(path))
                continue
            with path.open("rb") as handle:
                if handle.read(len(SQLITE)) == SQLITE:
                    yield Place(name, "\n".join(rows(path)))
                    continue
            if path.suffix not in OPAQUE and ".git/objects" not in name:
                yield Place(name, path.read_bytes()[:MOST_BYTES].decode(errors="replace"))


def rows(database: Path) -> Iterator[str]:
    """Every row of every table, as text: MLflow's tags and descriptions, Airflow's metadata, the feature store's."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
        db.text_factory = lambda raw: raw.decode(errors="replace")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            yield table
            for row in db.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                yield " ".join(_text(value) for value in row if value is not None and not isinstance(value, float))


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _strings(path: Path) -> str:
    """Each different text of a parquet file once, with its own metadata."""
    table = pq.read_table(path, partitioning=None)
    told = [" ".join(table.column_names), str(table.schema.metadata or "")]
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            told += [name, *(str(value) for value in column.unique().to_pylist() if value)]
    return "\n".join(told)


def git_objects(workspace: Path) -> Iterator[Place]:
    """Every object of the repository, reachable or dangling, and its references."""
    if not (workspace / ".git").is_dir():
        return
    git = ["git", "-c", f"safe.directory={workspace.resolve()}", "-C", str(workspace)]
    for name, arguments in (
        ("git objects", ("cat-file", "--batch-all-objects", "--batch", "--unordered")),
        ("git references", ("for-each-ref",)),
    ):
        told = subprocess.run([*git, *arguments], capture_output=True, check=True).stdout
        yield Place(name, told.decode(errors="replace"))


def processes(environment: Environment) -> Iterator[Place]:
    """Arguments of this stack's processes, which anybody can read, and the environment of the platform's.

    Whoever asks is left out, with its ancestors; so is what else the machine does.
    """
    me = psutil.Process()
    own = {me.pid, *(process.pid for process in me.parents())}
    for process in psutil.process_iter():
        if process.pid in own:
            continue
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            variables = process.environ()
            if variables.get("ONTIME_STATE") != str(environment.state):
                continue
            yield Place(f"arguments of process {process.pid}", "\n".join(process.cmdline()), harness_may_be_named=True)
            if "ONTIME_COMPONENT" in variables:
                told = "\n".join(f"{name}={value}" for name, value in variables.items())
                yield Place(f"environment of {variables['ONTIME_COMPONENT']}", told)


def pages(environment: Environment) -> Iterator[Place]:
    """What the components answer; one that does not answer says nothing."""
    with httpx.Client(timeout=10.0, trust_env=False, follow_redirects=True) as client:
        for component, paths in ASKED.items():
            base = str(getattr(environment, f"{component}_url"))
            for path in paths:
                with suppress(httpx.HTTPError):
                    yield Place(f"{component} /{path}", client.get(f"{base}/{path}").text)
        with suppress(httpx.HTTPError, ValueError, KeyError):
            yield from _labels(client, environment.prometheus_url)


def _labels(client: httpx.Client, url: str) -> Iterator[Place]:
    names: list[str] = client.get(f"{url}/api/v1/labels").json()["data"]
    for name in names:
        yield Place(f"values of label {name}", client.get(f"{url}/api/v1/label/{name}/values").text)
