"""The shared frame: text is escaped, files are named by their content, and each page's scripts are files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brownout.pages.rendering import SHARED, Pages, flow, iso, utc

PACKAGE = SHARED.parents[1]
TEMPLATES = [path for part in ("pages", "console") for path in sorted((PACKAGE / part / "templates").glob("*.j2"))]


def test_text_is_escaped_whatever_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.txt").write_text("{{ said }}")

    assert Pages(tmp_path).render("x.txt", said="<b>") == "&lt;b&gt;"


def test_a_file_is_named_by_its_content_below_its_root(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    own = tmp_path / "static" / "own.css"
    own.write_text("a")
    pages = Pages(tmp_path, root="/portal/")
    first = pages.static("own.css")
    own.write_text("other")

    assert re.fullmatch(r"/portal/static/own\.css\?v=[0-9a-f]{12}", first)
    assert pages.static("own.css") != first
    with pytest.raises(KeyError):
        pages.static("nothing.css")


def test_moments_and_paragraphs() -> None:
    assert (iso(0), utc(3661)) == ("1970-01-01T00:00:00Z", "01:01:01")
    assert flow("one\ntwo\n\nthree\n") == "one two\n\nthree"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_brings_script_or_style_inline_or_from_elsewhere(path: Path) -> None:
    text = path.read_text()

    assert re.findall(r"<script(?![^>]*\ssrc=\"\{\{ static)", text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|https?://|\| *safe", text) == []
