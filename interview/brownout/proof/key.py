"""What a proof's result follows from, as a hash: fault, platform, baseline, and what judges and plays; nothing else.

A change of the console, the scorecard or another fault leaves results standing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from brownout.baselines import baseline
from brownout.history.tree import tracked
from brownout.proof.setting import Setting
from brownout.settings import ROOT

PLATFORM = ("platform", "serving", "monitoring", "dags", "feature_repo", "ontime.toml", "uv.lock")
JUDGES = (
    "interview/brownout/baselines.py",
    "interview/brownout/facts.py",
    "interview/brownout/history",
    "interview/brownout/platform.py",
    "interview/brownout/probes",
    "interview/brownout/quiet",
    "interview/brownout/registry_api.py",
    "interview/brownout/workspace.py",
    "interview/brownout/world",
    "interview/brownout/proof/engine.py",
    "interview/brownout/proof/real_stage.py",
    "interview/brownout/proof/watch.py",
    "interview/workspace",
)
"""What plays the world and the attempts, and what decides."""
OF_KUBERNETES = ("k8s", "interview/k8s", "interview/brownout/kind")
"""Decides besides about what only Kubernetes shows."""
VOCABULARY = "interview/brownout/faults"
"""Its modules (not the catalogue below it) are what fault files are written in."""
SAYS_NOTHING = (".md", ".html", ".css", ".js", ".svg", ".png")
"""Files of the platform on which no outcome depends."""


def key_of(setting: Setting) -> str:
    """16 hex digits over everything that the proof's result follows from."""
    told = [fault_key(setting), code_key(ROOT, setting.fault.runtime == "kind"), repr(baseline(setting.baseline))]
    return _short("\0".join(told).encode())


def fault_key(setting: Setting) -> str:
    """16 hex digits over the fault's own file and the draw that is proved: what *changed fault* means."""
    draw = [setting.fault.id, dict(setting.parameters), setting.baseline, setting.speed, setting.seed, setting.decoys]
    return _short(setting.path.read_bytes() + json.dumps(draw, sort_keys=True).encode())


@lru_cache(maxsize=4)
def code_key(root: Path, on_kubernetes: bool = False) -> str:
    """16 hex digits over the checkout's files that decide about every fault there, as they lie there now."""
    digest = hashlib.sha256()
    for path in deciding(tracked(root), on_kubernetes):
        if (root / path).is_file():
            digest.update(path.encode() + b"\0" + (root / path).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def deciding(paths: Iterable[str], on_kubernetes: bool = False) -> list[str]:
    """Those of a checkout's paths on which a proof's result depends."""
    places = (*PLATFORM, *JUDGES, *(OF_KUBERNETES if on_kubernetes else ()))
    return sorted(path for path in paths if _decides(path, places))


def _decides(path: str, places: Iterable[str]) -> bool:
    if path.endswith(SAYS_NOTHING) and not path.startswith("interview/workspace"):
        return False
    if path.startswith(f"{VOCABULARY}/"):
        return path.count("/") == VOCABULARY.count("/") + 1
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _short(told: bytes) -> str:
    return hashlib.sha256(told).hexdigest()[:16]
