"""What all tests share: no test asserts a time, so Hypothesis has no deadline either.

Stacks of the tests are processes of this machine, whatever runtime `make` has chosen; `tests/kind` names its own.
"""

from __future__ import annotations

import os

from hypothesis import settings

os.environ["ONTIME_RUNTIME"] = "local"
settings.register_profile("brownout", deadline=None)
settings.load_profile("brownout")
