"""`python -m brownout.console.job`: one preparation or one reset, told on standard input as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from brownout.console.jobs import note
from brownout.lifecycle import Lifecycle
from brownout.scenarios import get
from brownout.settings import harness
from brownout.stage import RealStage
from ontime.errors import OntimeError
from ontime.settings import environment


def main() -> int:
    wish: dict[str, Any] = json.loads(sys.stdin.read())
    here, since, failed = harness(), time.time(), ""

    def say(step: str, ended: bool = False) -> None:
        note(here, pid=os.getpid(), what=wish["do"], step=step, since=since, ended=ended, failed=failed)

    def tell(step: str, status: str, detail: str) -> None:
        print(f"{step}: {status} {detail}", flush=True)
        say(f"{step}: {detail or status}"[:300])

    try:
        lifecycle = Lifecycle(here, RealStage(here, environment(), tell), tell)
        if wish["do"] == "reset":
            lifecycle.reset(wish["baseline"])
        else:
            lifecycle.prepare(
                get(wish["scenario"]),
                wish["seed"],
                wish["candidate"],
                wish["ai_policy"],
                tuple(wish["raters"]),
                wish["interview"],
            )
    except OntimeError as error:
        failed = str(error)
        print(f"error: {error}", file=sys.stderr)
    except BaseException as error:
        failed = f"{type(error).__name__}: {error}"
        raise
    finally:
        say("failed" if failed else "done", ended=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
