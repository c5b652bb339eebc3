"""Finds faults: every `<layer>/<fault_id>.py` here and in the packs; a bad file is refused with the remedy."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from brownout.faults.edits import check
from brownout.faults.model import Fault
from brownout.faults.vocabulary import LAYERS
from brownout.settings import ROOT, harness
from ontime.errors import ConfigError, UnknownNameError

HERE = Path(__file__).parent


def refusal(path: Path, error: ValidationError) -> ConfigError:
    """File, key, value and what was expected."""
    first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"]) or "fault"
    if first["type"] == "extra_forbidden":
        return ConfigError(f"{path}: unknown key {key!r}. Remove it or correct its spelling.")
    if first["type"] == "missing":
        return ConfigError(f"{path}: key {key!r} is missing. Declare it.")
    return ConfigError(f"{path}: key {key!r} has value {str(first['input'])[:80]!r}. {first['msg']}.")


def pack_roots() -> tuple[Path, ...]:
    """Directories of packs, from `BROWNOUT_PACKS`. Raises `ConfigError` when one is not there."""
    roots = tuple(Path(part) for part in harness().packs.split(":") if part)
    for root in roots:
        if not root.is_dir():
            raise ConfigError.of("BROWNOUT_PACKS", str(root), "directories of packs, separated by ':'")
    return roots


def load_file(path: Path) -> Fault:
    """The fault that one file declares as `FAULT`. Raises `ConfigError` naming file, key and remedy."""
    name = f"brownout_fault_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} cannot be imported. Expected a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ValidationError as error:
        raise refusal(path, error) from error
    except Exception as error:
        raise ConfigError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    fault = getattr(module, "FAULT", None)
    if not isinstance(fault, Fault):
        raise ConfigError(f"{path} declares no FAULT. Assign one brownout.faults.Fault to the name FAULT.")
    if fault.id != path.stem:
        raise ConfigError(f"{path}: key 'id' has value {fault.id!r}. Expected the file's name, {path.stem!r}.")
    if fault.layer != path.parent.name:
        raise ConfigError(
            f"{path}: key 'layer' has value {fault.layer!r}. Expected the directory, {path.parent.name!r}."
        )
    return fault


def check_plans(fault: Fault, path: Path, tree: Path = ROOT) -> None:
    """Builds the plan for every value of every parameter, and matches its edits with the tree.

    Solutions edit the tree as the culprit left it. Raises `ConfigError` naming file, key and remedy.
    """
    usual = fault.draw(0)
    for name, parameter in fault.parameters.items():
        for value in parameter.samples:
            parameters = {**usual, name: value}
            try:
                plan = fault.plan(parameters)
                culprit = tuple(edit for commit in fault.commits(parameters) for edit in commit.edits)
                check(culprit, tree)
                for attempt in plan.attempts:
                    edits = tuple(e for act in attempt.actions if act.kind == "edit_files" for e in act.edits)
                    if not any(act.kind == "git_revert" for act in attempt.actions):
                        check((*culprit, *edits), tree)
            except ValidationError as error:
                raise refusal(path, error) from error
            except ConfigError as error:
                raise ConfigError(f"{path}: key 'plan' with {name}={value!r}: {error}") from error


def find(roots: Iterable[Path]) -> dict[str, tuple[Fault, Path]]:
    """All faults below `roots` with their files, by id. Raises `ConfigError` for a bad file or an id taken twice."""
    found: dict[str, tuple[Fault, Path]] = {}
    for root in roots:
        for path in sorted(p for layer in LAYERS for p in (root / layer).glob("*.py") if p.name != "__init__.py"):
            fault = load_file(path)
            if fault.id in found:
                raise ConfigError(f"{path}: id {fault.id!r} is taken by {found[fault.id][1]}. Choose another.")
            check_plans(fault, path)
            found[fault.id] = (fault, path)
    return found


@lru_cache(maxsize=1)
def _everywhere() -> dict[str, tuple[Fault, Path]]:
    return find((HERE, *(root / "faults" for root in pack_roots())))


@lru_cache(maxsize=1)
def discover() -> dict[str, Fault]:
    """Every fault of this checkout and of the packs, by id."""
    return {name: fault for name, (fault, _) in _everywhere().items()}


def file_of(fault_id: str) -> Path:
    """The file that declares a fault. Raises `UnknownNameError` with the nearest known ids."""
    get(fault_id)
    return _everywhere()[fault_id][1]


def ours(fault_id: str) -> bool:
    """Whether the fault is the catalogue's and not a pack's."""
    return HERE in file_of(fault_id).parents


def forget() -> None:
    """What was discovered is looked for anew: the packs are others now."""
    discover.cache_clear()
    _everywhere.cache_clear()


def get(fault_id: str) -> Fault:
    """Raises `UnknownNameError` with the nearest known ids."""
    try:
        return discover()[fault_id]
    except KeyError:
        raise UnknownNameError.of("fault", fault_id, discover()) from None
