"""Who may import whom: read from the source, so that a violation is found even in a branch that never runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PARTS = {
    "ontime": "platform/ontime",
    "serving": "serving",
    "monitoring": "monitoring",
    "dags": "dags",
    "feature_repo": "feature_repo",
    "brownout": "interview/brownout",
}
MAY_IMPORT = {
    "ontime": set(),
    "serving": {"ontime"},
    "monitoring": {"ontime"},
    "dags": {"ontime"},
    "feature_repo": {"ontime"},
    "brownout": {"ontime"},
}


def imported(source: str) -> set[str]:
    """The first names of all modules that `source` imports, by a call with a literal name too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                found.add(node.args[0].value.split(".")[0])
    return found


def violations(part: str, source: str) -> set[str]:
    """The parts that `source`, a file of `part`, imports and must not."""
    return (imported(source) & PARTS.keys()) - {part} - MAY_IMPORT[part]


def files() -> list[tuple[str, Path]]:
    return [(part, path) for part, place in PARTS.items() for path in sorted((ROOT / place).rglob("*.py"))]


@pytest.mark.parametrize(("part", "path"), files(), ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_a_part_imports_only_what_it_may(part: str, path: Path) -> None:
    assert violations(part, path.read_text()) == set()


@pytest.mark.parametrize("part", [part for part in PARTS if part != "brownout"])
@pytest.mark.parametrize(
    "source",
    [
        "import {other}",
        "import {other}.deep as something",
        "from {other} import name",
        "from {other}.deep import name",
        "def late():\n    from {other} import name",
        "import importlib\nimportlib.import_module('{other}.deep')",
        "__import__('{other}')",
    ],
)
def test_each_forbidden_import_is_seen(part: str, source: str) -> None:
    forbidden = PARTS.keys() - {part} - MAY_IMPORT[part]

    for other in forbidden:
        assert violations(part, source.format(other=other)) == {other}


def test_allowed_imports_are_not_complained_about() -> None:
    assert (
        violations("serving", "from ontime.contract import Prediction\nimport serving.app\nfrom . import model")
        == set()
    )
    assert violations("brownout", "import ontime.settings") == set()


def test_the_tests_read_files() -> None:
    assert {part for part, _ in files()} == PARTS.keys()
