"""The end of a log file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

BLOCK = 64 * 1024


def last_lines(path: Path, count: int) -> list[str]:
    """At most `count` last lines, without reading the whole file; none when there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            data = b""
            while size > 0 and data.count(b"\n") <= count:
                step = min(BLOCK, size)
                size -= step
                file.seek(size)
                data = file.read(step) + data
    except FileNotFoundError:
        return []
    return data.decode(errors="replace").splitlines()[-count:]


def follow_lines(path: Path) -> Iterator[str]:
    """Lines as they are written from now on, forever; goes on with the new file when the log is rotated."""
    file = path.open() if path.exists() else None
    if file is not None:
        file.seek(0, 2)
    rest = ""
    while True:
        if file is None:
            file = path.open() if path.exists() else None
        elif chunk := file.read():
            *lines, rest = (rest + chunk).split("\n")
            yield from lines
            continue
        elif not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
            file.close()
            file, rest = None, ""
            continue
        time.sleep(0.2)
