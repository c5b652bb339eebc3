"""`python -m brownout.launch PART`: becomes a process of the harness. Arguments carry neither token nor scenario."""

from __future__ import annotations

import os
import sys

from brownout.settings import harness
from brownout.stack import parts
from ontime.errors import OntimeError


def main(name: str) -> None:
    command = {part.name: part for part in parts(harness())}[name].command()
    os.execve(command[0], command, dict(os.environ))  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
