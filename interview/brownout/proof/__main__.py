"""`python -m brownout.proof`: the same as `brownout prove`."""

from __future__ import annotations

import sys

from brownout.cli.app import main

if __name__ == "__main__":
    sys.argv[1:1] = ["prove"]
    sys.exit(main())
