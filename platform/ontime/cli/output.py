"""How commands speak: one console for people, JSON for programs, and progress that suits the terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

WIDTH_OF_FILES = 160
"""Columns where no terminal says how many there are."""


class Output:
    """The process's way of speaking, set once from the global options. NO_COLOR is honoured by rich itself."""

    def __init__(self, no_color: bool | None = None) -> None:
        self.people = Console(highlight=False, no_color=no_color)
        self.errors = Console(stderr=True, highlight=False, no_color=no_color)
        if not self.people.is_terminal:
            self.people.width = WIDTH_OF_FILES

    def without_colour(self) -> None:
        self.__init__(no_color=True)  # type: ignore[misc]

    def data(self, told: Any) -> None:
        """Exactly one JSON document on standard output."""
        print(json.dumps(told, indent=2, default=str))

    def say(self, text: str, style: str = "") -> None:
        self.people.print(Text(text, style=style), soft_wrap=True)

    def complain(self, text: str) -> None:
        first, _, rest = text.partition("\n")
        self.errors.print(Text.assemble(("error: ", "bold red"), first), soft_wrap=True)
        if rest:
            self.errors.print(Text(rest, style="dim"), soft_wrap=True)


OUT = Output()


class Lines:
    """Progress where nobody watches: a line when something reaches its end. All of it goes to standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

    def doing(self, name: str, state: str) -> None:
        return

    def done(self, name: str, state: str) -> None:
        self._console.print(Text(f"{time.monotonic() - self._began:6.1f} s  {name}: {state}"), soft_wrap=True)


class Bars:
    """Progress on a terminal: a line for each thing, spinning until it is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        self._progress.console.print(Text(text), soft_wrap=True)

    def doing(self, name: str, state: str) -> None:
        if name in self._tasks:
            self._progress.update(self._tasks[name], state=state)
        else:
            self._tasks[name] = self._progress.add_task(name, total=1, state=state)

    def done(self, name: str, state: str) -> None:
        self.doing(name, state)
        self._progress.update(self._tasks[name], completed=1)


@contextmanager
def reporting() -> Iterator[Lines | Bars]:
    """A reporter that suits the terminal."""
    if not OUT.errors.is_terminal:
        yield Lines(OUT.errors)
        return
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<26}"),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=OUT.errors) as progress:
        yield Bars(progress)
