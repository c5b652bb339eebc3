"""`python -m ontime.runtime.import_check MODULE…`: says in one line why a release's code cannot be imported.

Of a package everything is imported but `__main__`, which would start it and has to be there. `ontime.toml` is read too.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from importlib.util import find_spec

from ontime.errors import OntimeError
from ontime.settings import ROOT, behaviour, environment


def names(module: str) -> Iterator[str]:
    """`module` and, when it is a package, everything in it."""
    yield module
    path = getattr(importlib.import_module(module), "__path__", None)
    if path is not None:
        for found in pkgutil.walk_packages(path, f"{module}."):
            if not found.name.endswith("__main__"):
                yield found.name


def why_not(module: str) -> str | None:
    try:
        for name in names(module):
            importlib.import_module(name)
        if hasattr(sys.modules[module], "__path__") and find_spec(f"{module}.__main__") is None:
            return f"{module} cannot be started: it has no __main__.py"
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(ROOT))]
        ours = [frame for frame in frames if not frame.filename.endswith("import_check.py")]
        where = f" ({ours[-1].filename}:{ours[-1].lineno})" if ours else ""
        return f"{module} cannot be imported: {type(error).__name__}: {error}{where}"
    return None


def main(modules: list[str]) -> int:
    try:
        environment()
        behaviour()
    except OntimeError as error:
        print(error)
        return 1
    reasons = [reason for module in modules if (reason := why_not(module))]
    print("\n".join(reasons))
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
