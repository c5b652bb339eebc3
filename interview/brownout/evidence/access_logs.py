"""Requests in access logs: the candidate's way in, MLflow and Airflow write one line each."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from brownout.evidence.seen import Seen

MOST_BYTES = 4_000_000
"""Of a log that grew in between; what is older is passed over."""

_WAY_IN = re.compile(r"^asked (?:GET|POST|PUT|PATCH|DELETE) /(\S*)$")
_PROXIED = {
    "dashboards": "dashboards",
    "mlflow": "mlflow",
    "airflow": "airflow",
    "prometheus": "prometheus",
    "alertmanager": "prometheus",
    "serving": "serving",
}
_MLFLOW = re.compile(r'"(?:GET|POST|PUT|PATCH|DELETE) (/\S*) HTTP')
_MLFLOW_PAGES = re.compile(r"^/($|ajax-api/|static-files/|graphql|api/2\.0/mlflow/(runs|experiments)/search)")
_AIRFLOW = re.compile(r"\[http\.access\].* path=(/\S*)")
_AIRFLOW_PAGES = re.compile(r"^/airflow/($|ui/|static/|api/v2/(?!monitor/|version|dags(/[^/]+(/dagRuns(/[^/]+)?)?)?$))")


def way_in(line: str) -> str | None:
    """The source behind a line of the way in; Evidently's reports are pages of the dashboards."""
    found = _WAY_IN.match(line)
    if found is None:
        return None
    page, _, rest = found[1].partition("/")
    if page == "dashboards" and rest.startswith("reports"):
        return "reports"
    return _PROXIED.get(page)


def mlflow(line: str) -> str | None:
    """Its pages' own requests, and searches over runs: serving, the DAGs and the judge ask for versions alone."""
    found = _MLFLOW.search(line)
    return "mlflow" if found and _MLFLOW_PAGES.match(found[1]) else None


def airflow(line: str) -> str | None:
    """Its pages and their requests; tasks report to `/execution`, readiness asks for health, a command for its run."""
    found = _AIRFLOW.search(line)
    return "airflow" if found and _AIRFLOW_PAGES.match(found[1].split("?")[0]) else None


class AccessLog:
    """Follows one log file across its rotation, with one open handle."""

    def __init__(self, path: Path, source_of: Callable[[str], str | None], what: str) -> None:
        self._path = path
        self._source_of = source_of
        self._what = what
        self._file: IO[bytes] | None = None
        self._rest = b""
        self._open(at_end=True)

    def look(self) -> Iterable[Seen]:
        found = Counter(source for line in self._lines() if (source := self._source_of(line)) is not None)
        return [Seen(source, self._what, times) for source, times in found.items()]

    def stop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, at_end: bool) -> None:
        self.stop()
        self._rest = b""
        try:
            self._file = self._path.open("rb")
        except OSError:
            return
        if at_end:
            self._file.seek(0, os.SEEK_END)

    def _lines(self) -> Iterator[str]:
        if self._file is None or self._rotated():
            self._open(at_end=False)
        if self._file is None:
            return
        *lines, self._rest = (self._rest + self._file.read(MOST_BYTES)).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").rstrip()

    def _rotated(self) -> bool:
        """Whether the path names another file by now, or the same one was cut."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        here = os.fstat(self._file.fileno()) if self._file else there
        return (there.st_ino, there.st_dev) != (here.st_ino, here.st_dev) or there.st_size < self._at()

    def _at(self) -> int:
        return self._file.tell() if self._file else 0
