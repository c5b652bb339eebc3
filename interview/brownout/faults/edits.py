"""Exact edits of text files: the one way in which a fault, a decoy or an attempt changes code or configuration."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, model_validator

from brownout.faults.frozen import Frozen
from ontime.errors import ConfigError

FORBIDDEN = re.compile(r"brownout|\bfault|interview|candidate|chaos|seeded", re.IGNORECASE)
"""Words that nothing written into a workspace may carry."""


class Edit(Frozen):
    """Replaces `old`, which must occur exactly once in the file, by `new`."""

    path: str = Field(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_./-]*$", description="Relative to the root of the tree.")
    old: str = Field(min_length=1)
    new: str

    @model_validator(mode="after")
    def _is_an_edit_that_tells_nothing(self) -> Edit:
        if self.old == self.new:
            raise ValueError("new equals old; expected a change")
        if ".." in Path(self.path).parts:
            raise ValueError(f"path {self.path!r} leaves the tree")
        if told := FORBIDDEN.search(self.new):
            raise ValueError(f"new text contains {told.group(0)!r}, which would tell; choose other words")
        return self

    @property
    def reversed(self) -> Edit:
        return Edit(path=self.path, old=self.new, new=self.old)

    def applied(self, text: str) -> str:
        """Raises `ConfigError` unless `old` occurs exactly once."""
        found = text.count(self.old)
        if found != 1:
            raise ConfigError(
                f"Edit of {self.path}: its target text occurs {found} times, expected exactly once. "
                f"Take the text from the present file, with enough of its surroundings. It begins {self.old[:60]!r}."
            )
        return text.replace(self.old, self.new)

    def apply(self, root: Path) -> None:
        """Changes the file under `root`. Raises `ConfigError` when the file or the target text is not there."""
        path = root / self.path
        if not path.is_file():
            raise ConfigError(f"Edit of {self.path}: no such file in {root}. Correct the edit's path.")
        path.write_text(self.applied(path.read_text()))


def check(edits: tuple[Edit, ...], root: Path) -> None:
    """Raises `ConfigError` unless all edits, one after another, match in the tree at `root`."""
    texts: dict[str, str] = {}
    for edit in edits:
        path = root / edit.path
        if edit.path not in texts:
            if not path.is_file():
                raise ConfigError(f"Edit of {edit.path}: no such file in {root}. Correct the edit's path.")
            texts[edit.path] = path.read_text()
        texts[edit.path] = edit.applied(texts[edit.path])
