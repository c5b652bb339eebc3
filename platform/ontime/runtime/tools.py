"""Programs that come from outside Python: Prometheus and its companions."""

from __future__ import annotations

import shutil

from ontime.errors import RuntimeStateError

NAMES: dict[str, tuple[str, ...]] = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
"""Each tool with the names it goes by, most specific first."""


def locate(tool: str) -> str | None:
    """Path of the program on PATH, or None."""
    return next((path for name in NAMES[tool] if (path := shutil.which(name))), None)


def find(tool: str) -> str:
    """Path of the program. Raises `RuntimeStateError` with the remedy."""
    path = locate(tool)
    if path is None:
        names = " or ".join(NAMES[tool])
        raise RuntimeStateError(f"{names} is not on PATH. Install it with: make setup")
    return path
