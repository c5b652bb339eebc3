"""The real stage: what the lifecycle does to the running stack, by the parts that know how."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from brownout import baselines, entrance, workspace
from brownout import entries as e
from brownout.errors import PreparationError
from brownout.faults import Fault
from brownout.faults.context import InjectContext
from brownout.freeze import Freezer
from brownout.interview import Access
from brownout.kind import as_applied
from brownout.kind.enforcement import enforced
from brownout.lifecycle import Release, Standstill
from brownout.probes import ProbeView, Reference, measure_healthy, measure_used
from brownout.scenarios import Scenario
from brownout.secrecy import hand_over, secrecy
from brownout.settings import ROOT, Harness
from brownout.stack import Stack
from brownout.world.beginning import SEED
from brownout.world.control import WorldControl
from ontime.past import shift
from ontime.registry import CHAMPION, MODEL_FILE, RegistryReader
from ontime.settings import Environment

HEALTHY_SECONDS = 60.0
HEALTHY_FIGURES = 4
"""Median and upper quartile of single and batch requests."""
JUDGED = "batch_p75_ms"
LOOKS = 3
"""A look sees half a dozen large boards: two of them in a busy moment make its upper quartile several times higher."""
NAMED = ("apache-airflow", "bentoml", "evidently", "feast", "lightgbm", "mlflow", "onnxruntime")


class World(WorldControl):
    """The world's control, with the one question that injectors ask."""

    def now(self) -> float:
        """World time as Unix seconds."""
        return float(self.status()["world"])


class RealStage:
    def __init__(self, harness: Harness, environment: Environment, tell: Callable[[str, str, str], None]) -> None:
        self._harness = harness
        self._environment = environment
        self._tell = tell
        self._stack = Stack(harness, environment, tell)
        self._world = World(harness)
        self._secrecy = secrecy(harness)
        self._freezer = Freezer(environment, self._world, self._shift)

    @property
    def workspace(self) -> Path:
        return self._environment.state / "workspace"

    # -- what it stands on ------------------------------------------------------------------------------------------

    def versions(self) -> dict[str, str]:
        revision = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
        ).stdout.strip()
        return {"brownout": revision or "unknown", **{name: version(name) for name in NAMED}}

    def secrecy(self) -> e.Secrecy:
        """A namespace of one's own keeps nothing where its policies are not enforced."""
        open_network = self._environment.runtime == "kind" and not enforced()
        return "on-trust" if open_network else self._secrecy.level

    def runtime(self) -> str:
        return self._environment.runtime

    def world_alive(self) -> bool:
        return self._world.alive()

    def world_now(self) -> float:
        return self._world.now()

    # -- preparation ------------------------------------------------------------------------------------------------

    def restore(self, baseline: str, seed: int | None = None) -> None:
        """`seed` is the world's: the same baseline and seed give the same world."""
        self._stack.supervision.stop(["way-in", "world"])
        self._stack.platform.stop()
        if self._environment.runtime == "kind":
            as_applied.put_back(self._environment)
        baselines.restore(
            baseline,
            self._environment,
            self._harness,
            seed=SEED if seed is None else seed,
            tell=lambda text: self._tell("restore the baseline", "doing", text),
        )
        self._stack.platform.start()

    def run_world(self, speed: float) -> None:
        self._stack.supervision.up(["world"])
        self._world.speed(speed)
        self._world.release()
        self._stack.first_prediction()

    def measure_healthy(self) -> e.Healthy:
        """Takes the champion's file and this machine's latencies when nothing disturbs them."""
        registry = RegistryReader(self._environment.mlflow_url)
        champion = registry.version(registry.aliases()[CHAMPION])
        file = self._harness.run / f"reference-{champion.version}.onnx"
        file.write_bytes(registry.artifact(champion, MODEL_FILE))
        healthy = e.Healthy(reference_version=str(champion.version), reference_model=str(file))
        deadline = time.monotonic() + HEALTHY_SECONDS
        figures = fastest(lambda since: self._latencies(healthy, since, deadline))
        if len(figures) < HEALTHY_FIGURES:
            raise PreparationError(
                f"The healthy stack answered too few predictions in {HEALTHY_SECONDS:.0f} s to be measured; "
                f"known: {', '.join(figures) or 'nothing'}. See `brownout status`."
            )
        return healthy.model_copy(update={"figures": figures | measure_used(self._environment)})

    def _latencies(self, healthy: e.Healthy, since_wall: float, deadline: float) -> dict[str, float]:
        """Of what was asked since then, when enough of it was answered; of what there is when the time is over."""
        view = self.probe_view(healthy, None, since_wall)
        while len(figures := measure_healthy(view)) < HEALTHY_FIGURES and time.monotonic() < deadline:
            time.sleep(0.5)
        return figures

    def make_workspace(self, scenario: Scenario, seed: int) -> Path:
        drawn = (*scenario.drawn(seed), *scenario.drawn_controls(seed))
        culprits = tuple(c for fault, parameters in drawn for c in fault.commits(parameters))
        made = workspace.make(
            self.workspace,
            seed=seed,
            present=baselines.present(scenario.chosen(seed).baseline),
            culprits=culprits,
            decoys=scenario.decoys,
        )
        return made.path

    def deploy(self, workspace: Path) -> None:
        self._stack.platform.deploy(workspace)

    def inject(self, fault: Fault, parameters: Mapping[str, str | int | float], workspace: Path, seed: int) -> None:
        context = InjectContext(
            platform=self._stack.platform,
            workspace=workspace,
            world=self._world,
            seed=seed,
            harness=self._harness,
            environment=self._environment,
        )
        fault.inject(context, parameters)

    def probe_view(self, healthy: e.Healthy | None, onset_world: float | None, since_wall: float) -> ProbeView:
        if healthy is None:
            raise PreparationError(
                "Nothing was measured before the injection, so nothing can be judged. `brownout reset`."
            )
        return ProbeView(
            environment=self._environment,
            harness=self._harness,
            reference=Reference(healthy.reference_version, Path(healthy.reference_model)),
            platform=self._stack.platform,
            onset_world=onset_world,
            since_wall=since_wall,
            healthy=healthy.figures,
        )

    # -- live -------------------------------------------------------------------------------------------------------

    def freeze(self) -> Standstill:
        return self._freezer.freeze()

    def release(self, frozen_wall: float | None) -> Release:
        return self._freezer.release(frozen_wall)

    def let_in(self, access: Access) -> None:
        """Opens the candidate's one port."""
        entrance.prepare(self.workspace, access.code, self._environment, self._harness)
        self._stack.supervision.up(["way-in"])

    def lock_out(self) -> None:
        self._stack.supervision.stop(["way-in"])

    def _shift(self, seconds: float) -> None:
        data = self._environment.state / "prometheus" / "data"
        shift(data, seconds)
        hand_over(data, self._secrecy)


def fastest(look: Callable[[float], dict[str, float]]) -> dict[str, float]:
    """The fastest of a few successive looks: what else runs on the machine can only make them slower.

    `look` takes the Unix seconds since when it shall look. One that finds too little is not counted.
    """
    best = look(0.0)
    for _ in range(LOOKS - 1):
        if len(best) < HEALTHY_FIGURES:
            break
        found = look(time.time())
        if len(found) == HEALTHY_FIGURES and found[JUDGED] < best[JUDGED]:
            best = found
    return best
