"""Would the deployed platform promote a version that is far too slow, today?"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from brownout.probes.base import Probe, ProbeResult, ProbeView
from brownout.probes.model_cost import cost_ratio
from brownout.probes.versions import versions
from brownout.registry_api import RegistryApi
from ontime.errors import OntimeError
from ontime.files import replace_text

GATE = "latency"
JUDGED_BY = ("ontime.toml", "platform/ontime/gates", "platform/ontime/registry", "platform/ontime/cli/registry.py")
"""What in a release may change the gates' answer; while it is unchanged, the last answer stands."""


@dataclass(frozen=True, slots=True)
class Oversized:
    """Where the oversized version's files are, remembered so that deleting the version hides nothing."""

    version: str
    source: str
    run_id: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    failed: tuple[str, ...] = ()
    unreadable: str = ""


class GateRefuses(Probe):
    """Asks the deployed gates about the oversized version, a copy of it, and the baseline's champion.

    The first two must be refused for their latency, the third must not. The copy has a number of its own, so that
    refusing one number is no repair; it is a version without alias, and gone when the gates have answered.
    """

    kind: Literal["gate_refuses"] = "gate_refuses"
    cost: ClassVar[Literal["cheap", "on_change"]] = "on_change"
    min_cost_ratio: float = Field(default=15.0, gt=1, description="From here on a version is far too slow.")

    def run(self, view: ProbeView) -> ProbeResult:
        if view.platform is None:
            return ProbeResult("unknown", "The deployed platform cannot be asked from here.")
        try:
            release = _release(view.environment.current)
            answers = view.memory.keep("gates", dict[str, ProbeResult])
            if release not in answers:
                result = self._judge(view)
                if result.status == "unknown":
                    return result
                answers[release] = result
            return answers[release]
        except (OntimeError, OSError) as error:
            return ProbeResult("unknown", str(error))

    def _judge(self, view: ProbeView) -> ProbeResult:
        if view.onset_world is None:
            return self._healthy_pass(view, "Nothing oversized was registered")
        oversized = self._oversized(view)
        if oversized is None:
            return ProbeResult("unknown", "The registry has no oversized version.")
        with copied(view, oversized.source, oversized.run_id, oversized.tags) as number:
            heavy = _ask(view, number)
        if heavy.unreadable:
            return ProbeResult("unknown", f"The gates do not answer: {heavy.unreadable}")
        if GATE not in heavy.failed:
            return ProbeResult("broken", f"The like of version {oversized.version} would pass the latency gate today.")
        return self._healthy_pass(view, f"The latency gate refuses the like of version {oversized.version}")

    def _healthy_pass(self, view: ProbeView, said: str) -> ProbeResult:
        light = _ask(view, view.reference.version)
        if light.unreadable:
            return ProbeResult("unknown", f"The gates do not answer: {light.unreadable}")
        if GATE in light.failed:
            return ProbeResult("broken", f"The latency gate refuses version {view.reference.version}, a healthy one.")
        return ProbeResult("ok", f"{said}; healthy versions pass.")

    def _oversized(self, view: ProbeView) -> Oversized | None:
        """The version that the fault brought; found once, then remembered in the harness's state."""
        kept = view.harness.run / f"oversized-{view.onset_world:.0f}.json"
        if kept.exists():
            return Oversized(**json.loads(kept.read_text()))
        known = versions(view)
        for version in known.after_reference():
            if cost_ratio(view, str(version.version)) >= self.min_cost_ratio:
                found = Oversized(str(version.version), version.source, version.run_id, dict(version.tags))
                kept.parent.mkdir(parents=True, exist_ok=True)
                replace_text(kept, json.dumps(asdict(found)))
                return found
        return None


@contextmanager
def copied(view: ProbeView, source: str, run_id: str, tags: Mapping[str, str]) -> Iterator[str]:
    """A further version of the same run, for as long as the block lasts."""
    registry = RegistryApi(view.environment.mlflow_url)
    number = registry.create_version(source, run_id, tags)
    try:
        yield number
    finally:
        registry.delete_version(number)


def _ask(view: ProbeView, version: str) -> Verdict:
    if view.platform is None:
        return Verdict(unreadable="no platform")
    try:
        done = view.platform.ontime("registry", "check", version, "--gate", GATE, "--json", check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return Verdict(unreadable=str(error))
    try:
        body: Any = json.loads(done.stdout)
        return Verdict(tuple(str(row["gate"]) for row in body["gates"] if not row["passed"]))
    except (ValueError, KeyError, TypeError):
        return Verdict(unreadable=(done.stderr or done.stdout).strip()[-200:] or "no output")


def _release(current: Path) -> str:
    """Hash of everything in the release that the gates' answer depends on."""
    digest = hashlib.sha256()
    for name in JUDGED_BY:
        path = current / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(current)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
