"""Templates and static files: one look for every page of the harness, with nothing that has to be built."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from brownout.scorecard.render import duration, wall_time, world_time

HERE = Path(__file__).parent
SHARED = HERE / "static"
FOREVER = "public, max-age=31536000, immutable"


def iso(seconds: float) -> str:
    """A wall moment as HTML's `datetime` wants it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def flow(text: str) -> str:
    """Paragraphs whose lines were wrapped by hand, as lines that a page wraps itself."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


@lru_cache(maxsize=256)
def _fingerprint(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


class Pages:
    """Renders the templates of one part over the shared ones. All text is escaped, whatever the file's name."""

    def __init__(self, part: Path, root: str = "") -> None:
        """`part` holds `templates/` and perhaps `static/`; `root` is the URL path that the part is served below."""
        self.root = root.rstrip("/")
        self._static = (part / "static", SHARED)
        self._environment = Environment(
            loader=FileSystemLoader([part / "templates", HERE / "templates"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters: Mapping[str, Callable[..., str]] = {
            "duration": duration,
            "wall": wall_time,
            "world": world_time,
            "flow": flow,
            "iso": iso,
            "utc": utc,
        }
        self._environment.filters.update(filters)
        self._environment.globals.update(static=self.static, root=self.root)

    def static(self, name: str) -> str:
        """URL of a static file, with its content in it so that browsers may keep it. Raises `KeyError`."""
        for directory in self._static:
            path = directory / name
            if path.is_file():
                return f"{self.root}/static/{name}?v={_fingerprint(path, path.stat().st_mtime_ns)}"
        raise KeyError(name)

    def render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(now=time.time(), **values)

    def files(self) -> StaticFiles:
        """The application to mount at `<root>/static`."""
        return _Files(self._static)


class _Files(StaticFiles):
    def __init__(self, directories: Sequence[Path]) -> None:
        super().__init__(directory=SHARED)
        self.all_directories = [directory for directory in directories if directory.is_dir()]

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(answer, FileResponse) and b"v=" in scope.get("query_string", b""):
            answer.headers["cache-control"] = FOREVER
        return answer
