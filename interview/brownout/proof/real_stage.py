"""The stack of this machine, as a proof uses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from brownout import baselines, workspace
from brownout.entries import Healthy
from brownout.errors import BrownoutError
from brownout.faults.calibration import too_weak
from brownout.faults.context import InjectContext
from brownout.faults.model import Attempt
from brownout.kind import as_applied
from brownout.leaks import leaks_of
from brownout.probes import ProbeResult, ProbeView
from brownout.proctor.answers import AnswerCount
from brownout.proof.engine import Tell
from brownout.proof.setting import Setting
from brownout.quiet import kept as quietness
from brownout.quiet.verdict import Verdict
from brownout.settings import ROOT, Harness
from brownout.stack import Stack
from brownout.stage import RealStage, World
from brownout.world.dataset import EVENT_TABLES
from ontime.registry import RegistryReader
from ontime.runtime import release
from ontime.settings import Environment

COMPARED_WITH = ("mlflow", "ingest")
"""Components that have to run for rows and aliases to be what they will be."""
TEMPLATES = "templates.json"
"""Beside the files of a broken state: what people may change with kubectl, where there is Kubernetes."""


class RealProofStage:
    """`folder`: where the broken state is kept. The proctor must be there; world and platform are this stage's own."""

    def __init__(self, setting: Setting, here: Harness, platform: Environment, folder: Path, tell: Tell) -> None:
        self._setting = setting
        self._plan = setting.fault.plan(setting.parameters)
        self._harness = here
        self._environment = platform
        self._folder = folder
        self._stage = RealStage(here, platform, tell)
        self._stack = Stack(here, platform, tell)
        self._answers = AnswerCount(here.record)
        self._view: ProbeView | None = None
        self._snapshot: Path | None = None

    # -- baseline ---------------------------------------------------------------------------------------------------

    def restore(self) -> list[str]:
        name = self._setting.baseline
        self._stack.supervision.stop(["way-in", "world"])
        if self._environment.runtime == "kind":
            self._stack.platform.stop()
            as_applied.put_back(self._environment)
        self._snapshot = baselines.restore(name, self._environment, self._harness)
        return baselines.verify(name, self._environment, self._harness)

    def start(self) -> None:
        self._stack.platform.start()
        self._stage.run_world(self._setting.speed)

    def measure(self) -> None:
        healthy = self._stage.measure_healthy()
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "healthy.json").write_text(healthy.model_dump_json())
        (self._folder / "onset.txt").unlink(missing_ok=True)
        (self._folder / "aliases.json").write_text(json.dumps(self._aliases()))
        self._view = self._stage.probe_view(healthy, None, time.time())
        self._healthy_since = self._stage.world_now()

    def unequal(self) -> list[str]:
        if self._snapshot is None:
            raise BrownoutError("Nothing was restored, so nothing can be compared.")
        kept = self._snapshot / "state"
        self._stack.platform.start(COMPARED_WITH)
        return [*self._head(), *self._moved(), *self._rows(kept)]

    def _head(self) -> list[str]:
        head = release.head(ROOT).name
        current = self._environment.current.resolve().name
        found = [] if current == head else [f"the current release is {current}, HEAD of the checkout is {head}"]
        others = sorted(p.name for p in self._environment.releases.iterdir() if p.name != head)
        return [*found, *(f"release {name} is left over" for name in others)]

    def _aliases(self) -> dict[str, int]:
        with RegistryReader(self._environment.mlflow_url) as registry:
            return registry.aliases()

    def _moved(self) -> list[str]:
        meant = json.loads((self._folder / "aliases.json").read_text())
        found = self._aliases()
        return [] if found == meant else [f"the aliases are {found}, the baseline's are {meant}"]

    def _rows(self, kept: Path) -> list[str]:
        """Events must be exactly the baseline's; other tables may have grown, since jobs run when they are started."""
        found: list[str] = []
        for directory in sorted(p for p in (kept / "warehouse").iterdir() if p.is_dir()):
            meant, here = rows_below(directory), rows_below(self._environment.warehouse / directory.name)
            if here < meant or (directory.name in EVENT_TABLES and here != meant):
                found.append(f"table {directory.name} has {here} rows, the baseline's has {meant}")
        return found

    def quiet(self, windows: int) -> Verdict:
        symptom = self._plan.symptom
        if self._snapshot is None:
            raise BrownoutError("Nothing was restored, so there is no champion to look with.")
        return quietness.of(symptom, windows, baselines.champion(self._snapshot), self._harness)

    # -- broken -----------------------------------------------------------------------------------------------------

    def inject(self) -> None:
        fault, setting = self._setting.fault, self._setting
        view = self._needed_view()
        shutil.rmtree(self._stage.workspace, ignore_errors=True)
        workspace.make(
            self._stage.workspace,
            seed=setting.seed,
            present=baselines.present(setting.baseline),
            culprits=fault.commits(setting.parameters),
            decoys=setting.decoys,
        )
        onset = self._stage.world_now()
        self._stack.platform.deploy(self._stage.workspace)
        fault.inject(self._context(), setting.parameters)
        (self._folder / "onset.txt").write_text(repr(onset))
        view.memory.forget()
        self._view = replace(view, onset_world=onset, since_wall=time.time())

    def weak(self) -> str:
        return too_weak(self._plan.symptom, self._needed_view())

    def leaks(self) -> list[str]:
        return [str(leak) for leak in leaks_of(self._environment)]

    def look(self) -> Mapping[str, ProbeResult]:
        view = self._needed_view()
        return {name: self._one(name, view) for name in self._plan.probes}

    def _one(self, name: str, view: ProbeView) -> ProbeResult:
        """On a healthy stack there is no onset; a probe that needs one looks at what came since it was measured."""
        probe = self._plan.probes[name]
        result = probe.run(view)
        if result.status != "unknown" or view.onset_world is not None:
            return result
        since = probe.run(replace(view, onset_world=self._healthy_since))
        return since if since.status != "unknown" else result

    def answers(self) -> int:
        return self._answers.last()

    def changed(self) -> None:
        self._view = replace(self._needed_view(), since_wall=time.time())

    def play(self, attempt: Attempt) -> None:
        for action in attempt.actions:
            action.play(self._context())

    # -- the kept broken state --------------------------------------------------------------------------------------

    def snapshot(self) -> None:
        with self._at_rest():
            shutil.rmtree(self._broken, ignore_errors=True)
            for name, source in self._places().items():
                replace_tree(self._broken / name, source)
            if self._environment.runtime == "kind":
                (self._broken / TEMPLATES).write_text(as_applied.as_it_is(self._environment))
            (self._broken / "whole").touch()

    def has_snapshot(self) -> bool:
        return (self._broken / "whole").exists()

    def restore_broken(self) -> None:
        with self._at_rest():
            for name, target in self._places().items():
                replace_tree(target, self._broken / name)
            if self._environment.runtime == "kind":
                as_applied.put_back(self._environment, self._broken / TEMPLATES)
        if self._view is None:
            healthy = Healthy.model_validate_json((self._folder / "healthy.json").read_text())
            onset = float((self._folder / "onset.txt").read_text())
            self._view = self._stage.probe_view(healthy, onset, time.time())
        self._view.memory.forget()
        self.changed()

    def forget_snapshot(self) -> None:
        shutil.rmtree(self._broken, ignore_errors=True)

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Nothing runs within the block; everything does after it."""
        if self._stage.world_alive():
            World(self._harness).freeze()
        self._stack.supervision.stop(["way-in", "world"])
        self._stack.platform.stop()
        yield
        self._stack.platform.start()
        self._stage.run_world(self._setting.speed)

    @property
    def _broken(self) -> Path:
        return self._folder / "broken"

    def _places(self) -> dict[str, Path]:
        return {"platform": self._environment.state, "world": self._harness.world}

    # -- tools ------------------------------------------------------------------------------------------------------

    def _needed_view(self) -> ProbeView:
        if self._view is None:
            raise BrownoutError("The healthy stack was not measured, so nothing can be judged.")
        return self._view

    def _context(self) -> InjectContext:
        return InjectContext(
            platform=self._stack.platform,
            workspace=self._stage.workspace,
            world=World(self._harness),
            seed=self._setting.seed,
            harness=self._harness,
            environment=self._environment,
        )


def rows_below(directory: Path) -> int:
    """Rows of all parquet files of a table; none when it is not there."""
    return sum(pq.read_metadata(path).num_rows for path in directory.rglob("*.parquet"))


def replace_tree(target: Path, source: Path) -> None:
    """Makes `target` hold what `source` does, with times and owners; what is no state stays as it is.

    Raises `BrownoutError` when something could not be copied.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        if path.name not in baselines.KEPT:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in source.iterdir():
        if path.name in baselines.KEPT or path.is_socket():
            continue
        command = ["cp", "-a", "--reflink=auto", str(path), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrownoutError(f"{path} could not be copied: {done.stderr.strip()[-200:]}")
    shutil.copystat(source, target)
    owner = source.stat()
    if os.geteuid() == 0:
        os.chown(target, owner.st_uid, owner.st_gid)
