"""Cheats that every fault has to withstand: whatever is broken, somebody could make it quiet."""

from __future__ import annotations

from brownout.faults.actions import MuteAlert, RestartComponent, StopWorldTraffic
from brownout.faults.model import WrongFix

NOTHING_TO_JUDGE = "Without answers nothing can be judged, so nothing counts as repaired."


def silencing(
    convicted_by: str, unasked: str = NOTHING_TO_JUDGE, *, starts_again: bool = True
) -> tuple[WrongFix, WrongFix]:
    """Muting every alert, and taking serving away; `unasked` says why the latter repairs nothing.

    `starts_again`: whether serving gets ready when it is started with what is broken.
    """
    return (
        WrongFix(
            name="mute-the-alerts",
            actions=(MuteAlert(),),
            convicted_by=convicted_by,
            why="Nobody is told; nothing is repaired.",
            cheat=True,
            mutates=False,
        ),
        WrongFix(
            name="stop-serving",
            actions=(StopWorldTraffic(),),
            convicted_by=convicted_by,
            why=unasked,
            cheat=True,
            undone_by=(RestartComponent(component="serving"),) if starts_again else (),
        ),
    )
