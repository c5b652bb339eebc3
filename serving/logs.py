"""Log lines on stderr: world time first, wall time second, then what happened as `key=value`."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

from ontime.clock import Clock
from ontime.errors import ConfigError

LOGGER = "ontime"


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class WorldFormatter(logging.Formatter):
    """`<world time> <wall time> <level> <logger> <message>`, with the traceback of an exception below."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("%(world)s %(wall)s %(levelname)s %(name)s %(message)s")
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        record.wall = _stamp(record.created)
        try:
            record.world = _stamp(self._clock.world_seconds(record.created))
        except (ConfigError, OSError):
            record.world = "unknown-world-time"
        return super().format(record)


def configure(clock: Clock) -> None:
    """Sends everything below the `ontime` logger to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WorldFormatter(clock))
    logger = logging.getLogger(LOGGER)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
