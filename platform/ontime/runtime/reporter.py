"""Where the runtime's use cases say what they are doing; the command line shows it, tests keep it."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    def say(self, text: str) -> None:
        """One line that stays."""

    def doing(self, name: str, state: str) -> None:
        """What `name` (a component or a preparation) is at now; the same name again replaces it."""

    def done(self, name: str, state: str) -> None:
        """`name` has reached its end."""


class Silence:
    """Tells nobody."""

    def say(self, text: str) -> None:
        return

    def doing(self, name: str, state: str) -> None:
        return

    def done(self, name: str, state: str) -> None:
        return
