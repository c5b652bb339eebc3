"""Front-end packages are exactly those that their manifests pin, each with its licence."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLACES = ("interview/brownout/pages/static/vendor", "tests/browser/vendor")
differences = runpy.run_path(str(ROOT / "scripts/vendor.py"))["differences"]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_there_is_what_is_pinned(place: str) -> None:
    assert list(differences(ROOT / place)) == []


def test_a_changed_a_missing_and_a_stray_file_are_seen(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(ROOT / PLACES[0], tmp_path / "vendor"))
    script = copy / "idiomorph.min.js"
    script.write_bytes(script.read_bytes() + b"//")
    (copy / "uPlot.LICENSE").unlink()
    (copy / "more.js").write_text("")

    found = "\n".join(differences(copy))

    for told in ("idiomorph.min.js is not the pinned file", "uPlot.LICENSE is missing", "more.js is in no package"):
        assert told in found
