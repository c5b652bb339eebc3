"""Files that their readers see whole: written beside their place under a name of their own, then renamed over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[Path]:
    """A draft that takes `path`'s place when the block ends well, and is gone when it does not.

    Its name is nobody else's, in this process or another, so that two writers of one file never meet: the last wins.
    Without a `mode` it has what the process's umask leaves, as any new file.
    Raises `OSError` when the directory is not there or cannot be written.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    draft.touch(0o666 if mode is None else mode, exist_ok=False)
    try:
        if mode is not None:
            draft.chmod(mode)
        yield draft
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str, mode: int | None = None) -> None:
    """Writes `text` as the whole of `path`."""
    with replacing(path, mode) as draft:
        draft.write_text(text, encoding="utf-8")
