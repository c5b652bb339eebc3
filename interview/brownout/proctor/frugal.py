"""Keeps pandas out of a process. Arrow imports it, 24 MB, to ask whether a `datetime` might be one of pandas' own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

WITHOUT = ("pandas",)


class _Without:
    """First of the finders: what it finds is that there is nothing."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in WITHOUT:
            raise ModuleNotFoundError(
                f"{name} is kept out of this process: it would hold memory for nothing.", name=name
            )
        return None


def keep_out() -> None:
    """From now on the process is one where pandas is not installed; what was imported before stays."""
    sys.meta_path.insert(0, _Without())
