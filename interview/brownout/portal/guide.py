"""How things are done on the platform: the same few commands on the page and in the terminal."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Way(BaseModel):
    model_config = ConfigDict(frozen=True)

    title: str
    commands: tuple[str, ...]
    note: str


WAYS: tuple[Way, ...] = (
    Way(
        title="Deploy a change",
        commands=('git commit -am "why"', "make deploy"),
        note="Only what is committed and deployed runs. Under 20 seconds; restarts what changed.",
    ),
    Way(
        title="Undo a deploy",
        commands=("make undo",),
        note="Back to the last deploy that was healthy.",
    ),
    Way(
        title="Restart a component",
        commands=("make restart SERVICE=serving",),
        note="Names are in `make status`; logs in `make logs SERVICE=…`.",
    ),
    Way(
        title="Roll back the model",
        commands=("ontime registry list", "ontime registry rollback"),
        note="The champion alias moves; serving follows within seconds. `promote VERSION` goes through the gates.",
    ),
    Way(
        title="Run a DAG, repair stored rows",
        commands=("ontime dag trigger train_model", "ontime warehouse rebuild --since 2013-05-06"),
        note="`ontime --help` lists everything else.",
    ),
)

HINT_COST = (
    "A hint is written down with its time and stands on the scorecard. Nothing is subtracted for it; "
    "your interviewer reads what you found after it as found with help. Help with a tool is free: just ask."
)
FINDING_RULE = (
    "A suspicion never counts against you. A conclusion is judged. You hear how they were judged after the interview."
)
