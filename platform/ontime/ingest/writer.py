"""Carries rows from memory to the warehouse, in batches, on a thread of its own."""

from __future__ import annotations

import logging
from threading import Event as Signal
from threading import Lock, Thread

import pyarrow as pa

from ontime.errors import WarehouseError
from ontime.ingest import metrics
from ontime.warehouse import Warehouse

log = logging.getLogger("ontime.ingest")


class Writer:
    """Buffers rows per table and writes them every `every_seconds`.

    Rows that could not be written stay and are tried again; events are in the landing, so a crash loses none.
    """

    def __init__(self, warehouse: Warehouse, every_seconds: float) -> None:
        self._warehouse = warehouse
        self._every = every_seconds
        self._waiting: dict[str, list[pa.Table]] = {}
        self._lock = Lock()
        self._stop = Signal()
        self._thread = Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Writes what is waiting, then returns."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def add(self, name: str, rows: pa.Table) -> None:
        with self._lock:
            self._waiting.setdefault(name, []).append(rows)

    def flush(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        left = 0
        for name, parts in waiting.items():
            try:
                self._warehouse.write(name, pa.concat_tables(parts))
            except WarehouseError as error:
                metrics.WRITE_FAILURES.inc()
                log.error("%s", error)
                left += sum(part.num_rows for part in parts)
                with self._lock:
                    self._waiting[name] = parts + self._waiting.get(name, [])
        metrics.UNWRITTEN_ROWS.set(left)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.flush()
