"""What may lie where: the path says who may see it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SEEN_BY_EVERYONE = ("platform", "dags", "serving", "feature_repo", "monitoring", "k8s", "ontime.toml", "docs/reference")
"""What reaches a workspace."""

NOT_SEEN = ("docs/reference/faults.md",)
"""What lies there and reaches none."""

# XML-RPC calls a refusal `xmlrpc.client.Fault`; that word is the standard library's.
UNSPOKEN = re.compile(
    r"brownout|(?<!xmlrpc\.client\.)\bfaults?\b|\bfault_|_faults?\b|\bcandidates?\b|\binterview\w*|\bchaos\b|\bseeded\b",
    re.IGNORECASE,
)
UNREADABLE = {".png", ".ico", ".woff2", ".pyc"}

THIRD_PARTY = re.compile(r"\.min\.(js|css)$")
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX)\b")


def texts(*places: str) -> list[Path]:
    found = []
    for place in places:
        base = ROOT / place
        paths = sorted(base.rglob("*")) if base.is_dir() else [base] if base.exists() else []
        found += [p for p in paths if p.is_file() and p.suffix not in UNREADABLE and not THIRD_PARTY.search(p.name)]
    unseen = {ROOT / name for name in NOT_SEEN}
    return [path for path in found if "__pycache__" not in path.parts and path not in unseen]


def spoken(text: str) -> list[str]:
    """The words in `text` that only the interviewer's side may say."""
    return [match.group() for match in UNSPOKEN.finditer(text)]


@pytest.mark.parametrize("path", texts(*SEEN_BY_EVERYONE), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_everyone_sees_does_not_speak_of_it(path: Path) -> None:
    assert spoken(path.read_text(errors="replace")) == []
    assert spoken(str(path.relative_to(ROOT))) == []


@pytest.mark.parametrize(
    "text",
    ["Brownout", "BROWNOUT_STATE", "a fault", "faults", "fault_id", "the candidate", "interviewer", "chaos", "seeded"],
)
def test_each_unspoken_word_is_seen(text: str) -> None:
    assert spoken(f"x = 1  # {text} here") != []


@pytest.mark.parametrize("text", ["by default", "defaults", "faulthandler", "exceeded", "DEFAULT_SEED"])
def test_other_words_are_left_alone(text: str) -> None:
    assert spoken(text) == []


def test_platform_shadows_no_standard_module() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()


@pytest.mark.parametrize(
    "path",
    texts("platform", "dags", "serving", "feature_repo", "monitoring", "interview", "scripts", "k8s"),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_is_left_to_do(path: Path) -> None:
    assert LEFTOVERS.findall(path.read_text(errors="replace")) == []
