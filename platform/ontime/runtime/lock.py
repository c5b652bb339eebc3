"""One change of the stack at a time: start, stop, restart and deploy exclude each other."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ontime.errors import RuntimeStateError
from ontime.settings import Environment


@contextmanager
def exclusive(environment: Environment, what: str, seconds: float = 60.0, turn: str = "lock") -> Iterator[None]:
    """Holds the stack's lock, or the one called `turn`; the kernel releases it with the process.

    Raises `RuntimeStateError` naming the holder.
    """
    path = environment.state / "run" / turn
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with path.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    file.seek(0)
                    holder = file.read().strip() or "an unknown process"
                    raise RuntimeStateError(
                        f"The stack is being changed by {holder}. Try again when it is done."
                    ) from None
                time.sleep(0.1)
        file.truncate(0)
        file.write(f"'{what}' (process {os.getpid()})")
        file.flush()
        yield
        file.truncate(0)
