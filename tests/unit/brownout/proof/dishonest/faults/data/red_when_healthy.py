"""A dishonest probe: its margin is below what a healthy stack differs by."""

from __future__ import annotations

from brownout.probes import ServedScorePath
from tests.unit.brownout.proof.dishonest.parts import changed

FAULT = changed(__file__, lambda _: {"symptom": ServedScorePath(max_deviation=1e-9)})
