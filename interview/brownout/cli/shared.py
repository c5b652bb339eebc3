"""What several commands need: options, progress, and how to find the interview that is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ontime.cli.output import OUT, Bars, Lines, reporting

if TYPE_CHECKING:
    from brownout.interview import Interview
    from brownout.lifecycle import Lifecycle

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Which = Annotated[str | None, typer.Option("--interview", help="An interview's id; default: the current one.")]
Tell = Callable[[str, str, str], None]


@contextmanager
def telling() -> Iterator[Tell]:
    """Progress that suits the terminal, as the lifecycle and the stack tell it."""
    with reporting() as reporter:
        yield teller(reporter)


def teller(reporter: Lines | Bars) -> Tell:
    def tell(step: str, status: str, detail: str) -> None:
        if status in ("done", "failed"):
            reporter.done(step, "failed: " + detail if status == "failed" else detail or "done")
        else:
            reporter.doing(step, detail)

    return tell


def meant(interview_id: str | None) -> Interview:
    """The named interview, else the current one. Raises `UnknownNameError`, `LifecycleError`."""
    from brownout.interview import Interview, the_current
    from brownout.settings import harness

    return Interview(harness(), interview_id) if interview_id else the_current(harness())


def lifecycle(tell: Tell) -> Lifecycle:
    from brownout.lifecycle import Lifecycle
    from brownout.settings import harness
    from brownout.stage import RealStage
    from ontime.settings import environment

    return Lifecycle(harness(), RealStage(harness(), environment(), tell), tell)


def say(text: str, style: str = "") -> None:
    OUT.say(text, style)
