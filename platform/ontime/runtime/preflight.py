"""Refuses a release that cannot work, before anything runs from it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ontime.errors import RuntimeStateError
from ontime.runtime import airflow_settings
from ontime.runtime.child import run_python
from ontime.settings import Environment

SECONDS = 60.0


def check(environment: Environment, root: Path, modules: Iterable[str], dags: bool) -> None:
    """Checks the release at `root`. Raises `RuntimeStateError` with the reason for the refusal.

    All Python has to compile and `ontime.toml` to be valid; `modules` have to import; with `dags`, every DAG file has
    to parse. What imports is imported in a process of its own, out of the release.
    """
    compile_all(root)
    wanted = ["ontime.settings", *modules]
    with ThreadPoolExecutor(2) as pool:
        imports = pool.submit(_run, environment, root, ["-m", "ontime.runtime.import_check", *wanted])
        parsed = pool.submit(_run, environment, root, ["-m", "ontime.runtime.dag_check"]) if dags else None
        reasons = [imports.result(), parsed.result() if parsed else ""]
    refusals = [reason for reason in reasons if reason]
    if refusals:
        raise RuntimeStateError("\n".join(["The release is refused:", *refusals]))


def compile_all(root: Path) -> None:
    """Raises `RuntimeStateError` naming the first file and line that is not Python."""
    for path in sorted(root.rglob("*.py")):
        try:
            compile(path.read_bytes(), str(path.relative_to(root)), "exec", dont_inherit=True)
        except SyntaxError as error:
            where = f"{error.filename}:{error.lineno}"
            raise RuntimeStateError(f"The release is refused: {where} is not valid Python: {error.msg}") from error
        except ValueError as error:
            raise RuntimeStateError(f"The release is refused: {path.relative_to(root)}: {error}") from error


def _run(environment: Environment, root: Path, arguments: list[str]) -> str:
    """Why the check refuses; empty when it does not."""
    variables = {
        "PYTHONWARNINGS": "ignore",
        **airflow_settings.variables(environment),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "BENTOML_HOME": str(environment.state / "bentoml"),
    }
    code, output = run_python(environment, root, arguments, SECONDS, variables)
    if code == 0:
        return ""
    if code is None:
        return f"{arguments[1]} was not done after {SECONDS:.0f} s"
    said = output.strip().replace(f"{root}{os.sep}", "")
    return "\n".join(said.splitlines()[-8:]) or f"{arguments[1]} ended with exit code {code}"
