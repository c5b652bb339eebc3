from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontime.errors import UnknownNameError
from ontime.runtime.components import COMPONENTS, chosen, touched_by

ROOT = Path(__file__).resolve().parents[4]
PLACES = {"ontime": ROOT / "platform", "serving": ROOT, "monitoring": ROOT}
SELF_CONTAINED = {"ontime.runtime", "ontime.cli"}
"""Imported by name for a helper or two; started anew with every command, so their changes need no restart."""


def module_file(name: str) -> Path | None:
    base = PLACES.get(name.split(".")[0])
    if base is None:
        return None
    path = base.joinpath(*name.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def imports_of(path: Path) -> set[str]:
    """Modules of ours that a file imports, anywhere in it, with the packages around them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {
        ".".join(parts[: depth + 1])
        for name in found
        if (parts := name.split("."))[0] in PLACES
        for depth in range(len(parts))
    }


def closure(module: str) -> set[str]:
    """Paths in the tree of everything that starting `module` may import."""
    package = module_file(module)
    assert package is not None, module
    pending = {module, *(f"{module}.{p.stem}" for p in package.parent.glob("*.py") if p.stem != "__init__")}
    seen: set[str] = set()
    paths: set[str] = set()
    while pending:
        name = pending.pop()
        path = module_file(name)
        if name in seen or path is None or any(name.startswith(other) for other in SELF_CONTAINED):
            continue
        seen.add(name)
        paths.add(path.relative_to(ROOT).as_posix())
        pending |= imports_of(path)
    return paths


@pytest.mark.parametrize("name", [name for name, component in COMPONENTS.items() if component.modules])
def test_declared_paths_cover_what_a_component_imports(name: str) -> None:
    component = COMPONENTS[name]
    needed = {path for module in component.modules for path in closure(module)}

    assert sorted(path for path in needed if not component.runs_code_of(path)) == []


@given(st.data())
def test_a_changed_path_restarts_exactly_the_components_that_declare_it(data: st.DataObject) -> None:
    declared = sorted({path for component in COMPONENTS.values() for path in component.paths})
    path = data.draw(st.sampled_from(declared))
    changed = f"{path}deep/inside.py" if path.endswith("/") else path
    expected = {
        c.name
        for c in COMPONENTS.values()
        if changed in c.paths or any(p.endswith("/") and changed.startswith(p) for p in c.paths)
    }

    assert {component.name for component in touched_by([changed])} == expected
    assert expected


@pytest.mark.parametrize(
    "path", ["README.md", "dags/train_model.py", "k8s/base/serving.yaml", "serving.py", "ontime.tomlx"]
)
def test_other_paths_restart_nothing(path: str) -> None:
    assert touched_by([path]) == []


def test_order_is_possible() -> None:
    done: set[str] = set()
    while len(done) < len(COMPONENTS):
        free = {c.name for c in COMPONENTS.values() if c.name not in done and set(c.after) <= done}

        assert free
        done |= free


def test_unknown_component_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown component 'servin'. Did you mean serving"):
        chosen(["servin"])
