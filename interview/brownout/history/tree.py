"""The files that a workspace may hold, as text: an allow-list, and nothing that tells."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from brownout.errors import PreparationError
from brownout.faults.edits import FORBIDDEN

Tree = dict[str, bytes]
"""Content of every file by its path from the root."""

ALLOWED = re.compile(
    r"""^(
        (platform|serving|monitoring|dags|feature_repo|k8s)/.+
      | tests/unit/(ontime|serving|monitoring|dags|feature_repo)/.+
      | docs/(reference|decisions|onboarding)/.+\.md
      | ontime\.toml | pyproject\.toml | uv\.lock | LICENSE | \.gitignore
    )$""",
    re.VERBOSE,
)
TELLS = re.compile(r"brownout|interview|\bcandidates?'|\bharness\b|\bproctor\b", re.IGNORECASE)
"""What no file of a workspace may contain; pages that do are left out, code that does is refused."""
PAGES = ("docs/",)
NEVER = re.compile(r"^docs/(reference/faults|adding-a-fault)")
"""Pages about what a workspace is for; they are left out whatever they say."""
REPLACED = {"pyproject.toml", "README.md", "Makefile"}
"""Written for the workspace, not taken as they are."""


def tracked(source: Path) -> list[str]:
    """Paths of the checkout's files that git knows; of all files when it is no checkout."""
    done = subprocess.run(
        ["git", "-c", f"safe.directory={source}", "-C", str(source), "ls-files", "-z"], capture_output=True, check=False
    )
    if done.returncode == 0:
        return sorted(path for path in done.stdout.decode().split("\0") if path)
    return sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())


def read(source: Path, own: Path) -> Tree:
    """The finished platform: allowed files of `source`, and the workspace's own README, Makefile and project file.

    Raises `PreparationError` when a file would tell what a workspace is for.
    """
    tree: Tree = {}
    for path in tracked(source):
        if path in REPLACED or not ALLOWED.match(path) or NEVER.match(path) or not (source / path).is_file():
            continue
        content = (source / path).read_bytes()
        told = _told(content)
        if path.startswith(PAGES) and (told or FORBIDDEN.search(content.decode(errors="replace"))):
            continue
        if told:
            raise PreparationError(f"{path} contains {told!r}, which would tell. Nothing outside interview/ may.")
        tree[path] = content
    tree["pyproject.toml"] = project((source / "pyproject.toml").read_text()).encode()
    for name in ("README.md", "Makefile"):
        tree[name] = (own / name).read_bytes()
    for path in ("pyproject.toml", "README.md", "Makefile"):
        if told := _told(tree[path]):
            raise PreparationError(f"The workspace's {path} contains {told!r}, which would tell. Choose other words.")
    return tree


def project(text: str) -> str:
    """The project file without what belongs to the other half of the repository."""
    text = re.sub(r'^description = ".*"$', 'description = "Will this flight arrive more than 15 minutes late?"', text,
                  flags=re.MULTILINE)  # fmt: skip
    text = text.replace('"platform:interview:."', '"platform:."').replace(
        '"platform", "interview", "."', '"platform", "."'
    )
    return "\n".join(line for line in text.splitlines() if not TELLS.search(line)) + "\n"


def _told(content: bytes) -> str:
    try:
        found = TELLS.search(content.decode())
    except UnicodeDecodeError:
        return ""
    return found.group(0) if found else ""
