"""The point-in-time definitions, one file a view (the slow views share one)."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def statement(name: str) -> str:
    """The text of `<name>.sql` in this directory."""
    return (Path(__file__).parent / f"{name}.sql").read_text()
