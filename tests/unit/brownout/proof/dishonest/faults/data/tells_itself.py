"""A fault that gives itself away: its commit says what its title says."""

from __future__ import annotations

from brownout.faults.edits import Edit
from brownout.faults.injectors import ConfigChange
from tests.unit.brownout.proof.dishonest.parts import changed

TOLD = ConfigChange(
    subject="Now upstream announces block times in half hours",
    edits=(Edit(path="ontime.toml", old="poll_seconds = 2.0\n", new="poll_seconds = 2.2\n"),),
)

FAULT = changed(__file__, lambda honest: {"injections": (*honest.injections, TOLD)})
