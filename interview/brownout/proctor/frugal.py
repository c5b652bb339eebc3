"""Keeps a process small: pandas stays out of it, and Arrow gives memory back.

Arrow imports pandas, 24 MB, to ask whether a `datetime` might be one of pandas' own; and its usual pool holds on to
another 40 MB after two days of events were read.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

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


def be() -> None:
    """From now on the process is one where pandas is not installed; what was imported before stays."""
    sys.meta_path.insert(0, _Without())
    pa.set_memory_pool(pa.system_memory_pool())
