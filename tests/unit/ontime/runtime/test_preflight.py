from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ontime.errors import RuntimeStateError
from ontime.runtime import preflight
from ontime.settings import ROOT, Environment


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A release with the real `ontime` and a component that works."""
    path = tmp_path / "release"
    shutil.copytree(ROOT / "platform", path / "platform", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "ontime.toml", path)
    write(path, "component/__init__.py", "")
    write(path, "component/__main__.py", "raise SystemExit('it was started')\n")
    write(path, "component/work.py", "from ontime.contract import Event\n")
    return path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def check(environment: Environment, root: Path) -> None:
    preflight.check(environment, root, ["component"], dags=False)


def test_a_release_that_works_passes_without_being_started(environment: Environment, root: Path) -> None:
    check(environment, root)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("component/work.py", "def half(:\n", r"component/work.py:1 is not valid Python"),
        (
            "component/work.py",
            "import nothing_like_it\n",
            r"cannot be imported: .*'nothing_like_it'.*work.py:1",
        ),
        ("component/deep/__init__.py", "1 / 0\n", r"ZeroDivisionError.*component/deep/__init__.py:1"),
        ("ontime.toml", "[gates]\nmin_rows = 'many'\n", r"'gates.min_rows' in ontime.toml has value 'many'"),
        ("ontime.toml", "[gates]\nunheard_of = 1\n", r"gates.unheard_of"),
        ("ontime.toml", "[gates\n", r"is not valid TOML"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(
    environment: Environment, root: Path, name: str, text: str, reason: str
) -> None:
    write(root, name, text)

    with pytest.raises(RuntimeStateError, match=f"(?s)The release is refused.*{reason}"):
        check(environment, root)


def test_a_component_that_cannot_be_started_is_refused(environment: Environment, root: Path) -> None:
    (root / "component/__main__.py").unlink()

    with pytest.raises(RuntimeStateError, match=r"component cannot be started: it has no __main__.py"):
        check(environment, root)
