"""Unit tests see the defaults, whatever stack the shell around them is set up for."""

from __future__ import annotations

import os

for name in [name for name in os.environ if name.startswith("ONTIME_") and name != "ONTIME_RUNTIME"]:
    del os.environ[name]
