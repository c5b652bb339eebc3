"""`python -m ontime.runtime.ready [--alive] COMPONENT`: a component's own word as an exit code, for pods without HTTP.

Ready means that it works now. `--alive` is for a liveness probe, which restarts what it condemns: it gives the benefit
of the doubt when the API server that would know does not answer.
"""

from __future__ import annotations

import sys

from ontime.errors import OntimeError
from ontime.runtime.components import chosen
from ontime.settings import environment

SINCE_EVER = 0.0
NOBODY_KNOWS = "cannot be judged"


def main(arguments: list[str]) -> int:
    alive = "--alive" in arguments
    component = chosen([name for name in arguments if not name.startswith("-")])[0]
    found = component.ready(environment(), SINCE_EVER)
    if found.ready or (alive and found.why.startswith(NOBODY_KNOWS)):
        return 0
    print(found.why)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
