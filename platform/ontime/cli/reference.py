"""Reference pages made from the code."""

from __future__ import annotations

from pathlib import Path


def pages(root: Path) -> dict[str, str]:
    return {}


def stale(root: Path, made: dict[str, str]) -> list[str]:
    return []


def write(root: Path, made: dict[str, str]) -> None:
    return
