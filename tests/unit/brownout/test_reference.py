"""The interviewer's reference says what the code says, and a page that does not is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from brownout.cli import reference
from brownout.cli.app import app
from brownout.settings import Harness


def test_every_setting_metric_and_command_is_there() -> None:
    page = reference.page(app)

    for name, field in Harness.model_fields.items():
        assert f"| `BROWNOUT_{name.upper()}` |" in page
        assert field.description
    assert "| `brownout_probe_status` | gauge | `interview`, `fault`, `probe` |" in page
    assert "| `brownout_findings_total` | counter |" in page
    assert "### `brownout rehearsal SCENARIO`" in page


def test_a_page_that_says_something_else_is_told_and_mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "reference.md").write_text("something else")
    monkeypatch.setattr(reference, "PAGE", tmp_path / "reference.md")
    run = CliRunner()

    assert run.invoke(app, ["docs", "--check"]).exit_code == 6
    assert "reference.md is written" in run.invoke(app, ["docs"]).output
    assert (tmp_path / "reference.md").read_text() == reference.page(app)
