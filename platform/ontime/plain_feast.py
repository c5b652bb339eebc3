"""Imports Feast without what its import does to the process. Import this before anything of Feast's.

typeguard  Feast's classes are marked `typechecked`, which parses and compiles each of them anew in every process: three
           of the four seconds that Feast takes, in serving, in ingest and in each task of Airflow. It costs that a
           wrong type in `feature_repo` is told by Feast's own code, later and less plainly.
metrics    Feast points PROMETHEUS_MULTIPROC_DIR at a directory of its own, which turns every metric created later into
           a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import prometheus_client  # noqa: F401  first: it decides on import
import typeguard


def _as_it_is(target: Any = None, **_: Any) -> Any:
    return target if target is not None else _as_it_is


@contextmanager
def _unchecked() -> Iterator[None]:
    checked = typeguard.typechecked
    typeguard.typechecked = _as_it_is
    try:
        yield
    finally:
        typeguard.typechecked = checked


def _give_back_prometheus() -> None:
    """A directory that somebody else chose stays."""
    for name in ("PROMETHEUS_MULTIPROCESS_DIR", "PROMETHEUS_MULTIPROC_DIR"):
        if os.environ.get(name) == metrics._prometheus_mp_dir and metrics._owns_mp_dir:
            del os.environ[name]


with _unchecked():
    import feast.repo_operations  # noqa: F401
    from feast import metrics

_give_back_prometheus()
