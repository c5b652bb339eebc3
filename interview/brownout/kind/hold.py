"""`python -m brownout.kind.hold`: the pod's first process. It buries the dead and ends when it is told to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import FrameType

MARK = Path("/tmp/holding")  # noqa: S108
LOOK_SECONDS = 0.5


def bury() -> int:
    """Collects every dead child; how many there were."""
    count = 0
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            count += 1
    except ChildProcessError:
        pass
    return count


def main() -> None:
    ended = False

    def end(_: int, __: FrameType | None) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    MARK.touch()
    while not ended:
        bury()
        time.sleep(LOOK_SECONDS)
    from brownout.settings import harness
    from brownout.stack import parts
    from brownout.supervision import Supervision

    Supervision(harness(), parts(harness())).down()


if __name__ == "__main__":
    main()
