"""Baselines: a healthy platform at one present, built once in bulk and kept, so that every interview starts the same.

    build    warehouse from the canonical events up to the present → MLflow → `ontime bootstrap` → stop → snapshot
    restore  snapshot → the platform's state, a release of this checkout, a world that is frozen at the present
    verify   which files of the platform's state are not those of the snapshot

A snapshot is named by the hash of what it follows from, so a change of that code makes a new one; others are removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from brownout.errors import BaselineError
from brownout.platform import Platform
from brownout.secrecy import secrecy
from brownout.settings import ROOT, Harness
from brownout.world import dataset
from brownout.world.beginning import SEED, begin
from brownout.world.control import WorldControl
from ontime.contract import NEW_YORK
from ontime.errors import UnknownNameError
from ontime.registry import CHAMPION, RegistryReader
from ontime.runtime import release
from ontime.runtime.release import Commit
from ontime.settings import Environment
from ontime.warehouse import Warehouse

PRESENT_HOUR = 5
TRAINED_THROUGH = date(2013, 4, 21)
SOAK = "soak-"
SUBJECT = "Main"
"""What the platform is told that it runs until somebody deploys."""

SOURCES = (
    "feature_repo",
    "platform/ontime/bootstrap.py",
    "platform/ontime/contract.py",
    "platform/ontime/evaluation.py",
    "platform/ontime/export.py",
    "platform/ontime/features",
    "platform/ontime/gates",
    "platform/ontime/online.py",
    "platform/ontime/online_stores",
    "platform/ontime/plain_feast.py",
    "platform/ontime/registry",
    "platform/ontime/runtime/airflow_database.py",
    "platform/ontime/scorer.py",
    "platform/ontime/training",
    "platform/ontime/warehouse.py",
    "ontime.toml",
    "uv.lock",
    "interview/brownout/baselines.py",
)
"""What a snapshot follows from, besides the canonical events."""

LEFT_OUT = frozenset(
    {"alertmanager", "bin", "clock.json", "current", "log", "prometheus", "releases", "releases.jsonl", "run"}
    | {"venv", "workspace"}
)
"""Names in the platform's state that are made anew at each start, or by `restore` itself."""

KEPT = frozenset({"venv"})
"""Names that are no state at all, and survive a restore."""

Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """`present`: where the world stands. `trained_through`: the champion's last training day."""

    name: str
    present: datetime
    trained_through: date
    history_days: int = 14
    """How far back the log of predictions goes."""


def _at(name: str, day: date, trained_through: date) -> Baseline:
    return Baseline(name, datetime.combine(day, clock_time(PRESENT_HOUR), ZoneInfo(NEW_YORK)), trained_through)


CALIBRATION = replace(_at("calibration", date(2013, 6, 1), TRAINED_THROUGH), history_days=32)
"""May's model with a log of May and the day before: what `make calibrate` compares the thresholds with."""

BASELINES = {
    baseline.name: baseline
    for baseline in (
        _at("may", date(2013, 5, 6), TRAINED_THROUGH),
        _at("april", date(2013, 4, 22), date(2013, 3, 31)),
        _at("june", date(2013, 6, 24), date(2013, 4, 30)),
    )
}


def baseline(name: str) -> Baseline:
    """One of `BASELINES`, `calibration`, or `soak-2013-05-15`: may's model at another present.

    Raises `UnknownNameError`.
    """
    if name in BASELINES:
        return BASELINES[name]
    if name == CALIBRATION.name:
        return CALIBRATION
    try:
        day = date.fromisoformat(name.removeprefix(SOAK)) if name.startswith(SOAK) else None
    except ValueError:
        day = None
    if day is None or not date(2013, 5, 6) <= day <= date(2013, 12, 1):
        raise UnknownNameError.of("baseline", name, [*BASELINES, CALIBRATION.name, f"{SOAK}2013-05-15"])
    return _at(name, day, TRAINED_THROUGH)


def present(name: str) -> datetime:
    """Where the world stands in that baseline."""
    return baseline(name).present


def fingerprint(wanted: Baseline, commit: Commit, environment: Environment, harness: Harness) -> str:
    """12 hex digits over code, canonical events, moments, and the directory that stored paths point into."""
    listed = release.git(ROOT, "ls-tree", "-r", commit.sha, "--", *SOURCES).decode()
    parts = (listed, dataset.content_hash(dataset.ensure(harness.data)), repr(wanted), str(environment.state))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def snapshot_of(wanted: Baseline, commit: Commit, environment: Environment, harness: Harness) -> Path:
    return harness.baselines / f"{wanted.name}-{fingerprint(wanted, commit, environment, harness)}"


def build(
    name: str, environment: Environment, harness: Harness, tell: Tell = silent, commit: Commit | None = None
) -> Path:
    """The snapshot that `commit` (default: HEAD) makes, made when it is not there. Replaces the platform's state then.

    Raises `BaselineError` when the world is in the way, `PlatformError` when a step of the platform's fails.
    """
    wanted, commit = baseline(name), commit or release.head(ROOT)
    path = snapshot_of(wanted, commit, environment, harness)
    if (path / "manifest.json").exists():
        return path
    dirty = release.git(ROOT, "status", "--porcelain", "--untracked-files=all", "--", *SOURCES).decode().splitlines()
    if dirty:
        tell(f"Uncommitted edits are not in the baseline, which is made from HEAD: {', '.join(dirty)[:200]}")
    began = time.monotonic()
    platform = Platform(environment, harness, None, Path(sys.executable))
    _at_rest(platform, harness)
    _wipe(environment.state)
    tell("filling the warehouse")
    fill(Warehouse(environment.warehouse), harness.data, wanted.present)
    begin(harness, environment.clock, wanted.present)
    place_release(environment, commit)
    tell("starting MLflow")
    beside = subprocess.Popen(
        [sys.executable, "-P", "-c", AIRFLOW_TABLES],
        env=platform.surroundings(environment.current, None),
        cwd=environment.current,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        platform.start(["mlflow"])
        tell("bootstrapping")
        told = ("--trained-through", wanted.trained_through.isoformat(), "--history-days", str(wanted.history_days))
        steps = json.loads(platform.ontime("bootstrap", *told, "--json").stdout)
        with RegistryReader(environment.mlflow_url) as registry:
            model = registry.alias(CHAMPION)
        if model is None:
            raise BaselineError(f"`ontime bootstrap` registered no {CHAMPION}. See the log of mlflow.")
        said, _ = beside.communicate(timeout=180)
        if beside.returncode != 0:
            raise BaselineError(f"Airflow's tables could not be made: {said.strip().splitlines()[-1:]}")
    finally:
        if beside.poll() is None:
            beside.kill()
        platform.stop()
    tell("taking the snapshot")
    _checkpoint(environment.state)
    about = {
        "name": name,
        "present": wanted.present.isoformat(),
        "trained_through": wanted.trained_through.isoformat(),
        "champion": model.onnx_sha256,
        "bootstrap_seconds": steps,
        "build_seconds": round(time.monotonic() - began, 1),
    }
    _take(environment.state, path, about)
    _forget_others(path)
    return path


AIRFLOW_TABLES = (
    "from ontime.runtime.preparation import airflow_tables, directories\n"
    "from ontime.settings import ROOT, environment\n"
    "directories(environment())\n"
    "airflow_tables(environment(), ROOT)\n"
)


def restore(name: str, environment: Environment, harness: Harness, seed: int = SEED, tell: Tell = silent) -> Path:
    """Makes the platform's state that of the baseline, and the world stand frozen at its present.

    Stops the platform; the world must be down. Afterwards this checkout's HEAD is the current release, and nothing
    runs. Raises what `build` raises.
    """
    wanted, commit = baseline(name), release.head(ROOT)
    path = build(name, environment, harness, tell, commit)
    platform = Platform(environment, harness, secrecy(harness).user, Path(sys.executable))
    _at_rest(platform, harness)
    tell("restoring")
    _wipe(environment.state)
    _copy(path / "state", environment.state)
    begin(harness, environment.clock, wanted.present, seed)
    place_release(environment, commit)
    platform.hand_over()
    _restored(harness).write_text(path.name)
    return path


def verify(name: str, environment: Environment, harness: Harness) -> list[str]:
    """What of the platform's state differs from the baseline restored last, one line a file; empty when nothing does.

    Raises `BaselineError` when the baseline restored last is another one.
    """
    wanted, mark = baseline(name), _restored(harness)
    restored = mark.read_text() if mark.exists() else "none"
    if restored.rpartition("-")[0] != wanted.name:
        raise BaselineError(f"The baseline restored last is {restored!r}, not {name!r}. `brownout reset`.")
    return differences(environment.state, _manifest(harness.baselines / restored)["files"])


def champion(path: Path) -> Path:
    """The file of the model that serves in a snapshot. Raises `BaselineError` when it is not there."""
    told = _manifest(path)
    files: dict[str, str] = told["files"]
    for name, content in files.items():
        if content == told.get("champion") and (file := path / "state" / name).exists():
            return file
    raise BaselineError(f"{path} holds no file of its {CHAMPION}. Remove it; it is built anew.")


def _restored(harness: Harness) -> Path:
    return harness.baselines / "restored"


def fill(warehouse: Warehouse, data: Path, until: datetime) -> None:
    """Writes every canonical event that was available by `until`: upcoming departures are announced 36 hours ahead."""
    for table in dataset.EVENT_TABLES:
        warehouse.replace(table, dataset.read(data, table, through=until))


def place_release(environment: Environment, commit: Commit) -> None:
    """Makes a commit of this checkout the current release without a deploy's checks: it passed its own tests.

    Its own subject stays here. It may name what a candidate is to find, and the release lies in their reach.
    """
    told = replace(commit, subject=SUBJECT)
    root = environment.releases / told.name
    if not root.exists():
        draft = environment.releases / f".{told.name}.{os.getpid()}"
        release.export(ROOT, told, draft)
        draft.rename(root)
    release.point_current_at(environment, root)
    release.write_entry(environment, "deploy", told, (), healthy=False, note="the stack was down")


def differences(state: Path, files: dict[str, str]) -> list[str]:
    """Compares a state directory with a manifest's files."""
    found = {path.relative_to(state).as_posix(): path for path in _files(state)}
    missing = [f"{name} is missing" for name in files.keys() - found.keys()]
    extra = [f"{name} is new" for name in found.keys() - files.keys()]
    changed = [f"{name} differs" for name in files.keys() & found.keys() if _sha256(found[name]) != files[name]]
    return sorted([*missing, *extra, *changed])


def _at_rest(platform: Platform, harness: Harness) -> None:
    if WorldControl(harness).alive():
        raise BaselineError("The world is running; it would write into what is being replaced. `brownout down` first.")
    platform.stop()


def _wipe(state: Path) -> None:
    """Empties the state and makes it the invoker's, whoever had it."""
    state.mkdir(parents=True, exist_ok=True)
    if state.stat().st_uid != os.geteuid():
        os.chown(state, os.geteuid(), os.getegid())
    for path in state.iterdir():
        if path.name in KEPT:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _files(state: Path) -> Iterator[Path]:
    """Every file that belongs to a snapshot, in order."""
    for top in sorted(state.iterdir()):
        if top.name in LEFT_OUT:
            continue
        yield from sorted(path for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file())


def _checkpoint(state: Path) -> None:
    """Folds every SQLite write-ahead log into its database."""
    for path in _files(state):
        with path.open("rb") as handle:
            if handle.read(16) != b"SQLite format 3\0":
                continue
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _take(state: Path, path: Path, about: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    copy = draft / "state"
    copy.mkdir(parents=True)
    for top in sorted(state.iterdir()):
        if top.name not in LEFT_OUT:
            _copy(top, copy / top.name)
    files = {file.relative_to(copy).as_posix(): file for file in _files(copy)}
    about["bytes"] = sum(file.stat().st_size for file in files.values())
    about["files"] = {name: _sha256(file) for name, file in files.items()}
    (draft / "manifest.json").write_text(json.dumps(about, indent=1))
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)


def _copy(source: Path, target: Path) -> None:
    """A copy that shares no file with `source` but, where the file system can, its blocks."""
    if sys.platform != "linux":
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True) if source.is_dir() else shutil.copy2(
            source, target
        )
        return
    what = [f"{source}/.", str(target)] if source.is_dir() else [str(source), str(target)]
    done = subprocess.run(["cp", "-a", "--reflink=auto", *what], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BaselineError(f"{source} could not be copied to {target}: {done.stderr.strip()}")


def _forget_others(path: Path) -> None:
    """Removes snapshots of the same baseline that older code made."""
    name = path.name.rpartition("-")[0]
    for other in path.parent.iterdir():
        if other != path and other.is_dir() and other.name.rpartition("-")[0] == name:
            shutil.rmtree(other)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise BaselineError(f"{path} is not a baseline ({error}). Remove it; it is built anew when needed.") from error
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
