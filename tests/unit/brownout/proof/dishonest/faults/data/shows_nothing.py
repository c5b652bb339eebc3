"""A dishonest fault: what it puts in is too little to be seen."""

from __future__ import annotations

from brownout.faults.injectors import FeedChange
from tests.unit.brownout.proof.dishonest.parts import changed

FAULT = changed(__file__, lambda _: {"injections": (FeedChange(field="scheduled_minutes", factor=0.999),)})
