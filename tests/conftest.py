"""What all tests share: no test asserts a time, so Hypothesis has no deadline either."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("brownout", deadline=None)
settings.load_profile("brownout")
