"""Files that their readers see whole: written beside their place under a name of their own, then renamed over it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """A draft that takes `path`'s place when the block ends well, and is gone when it does not.

    Its name is nobody else's, in this process or another, so that two writers of one file never meet: the last wins.
    Raises `OSError` when the directory is not there or cannot be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        os.fchmod(descriptor, mode)
        os.close(descriptor)
        yield draft
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes `text` as the whole of `path`."""
    with replacing(path, mode) as draft:
        draft.write_text(text, encoding="utf-8")
