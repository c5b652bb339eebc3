"""Only a whole, honest proof is published; what was read back says the same, and the page tells it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brownout import reference
from brownout.faults import Fault
from brownout.history.tree import read as read_tree
from brownout.proof import published
from brownout.proof.prove import Proved
from brownout.proof.setting import setting_of
from brownout.settings import ROOT
from ontime.errors import ConfigError
from tests.unit.brownout.proof.conftest import Bench


@pytest.fixture
def proved(bench: Callable[..., Bench], honest: Fault) -> Proved:
    setting = replace(setting_of("stale_fresh_path"), fault=honest)
    return Proved(setting, "key", "file", tuple(bench(honest).prove()), short=False)


def test_what_is_written_is_read(proved: Proved, tmp_path: Path) -> None:
    record = published.record(proved)
    published.write({"b": record, "a": record}, tmp_path / "proved.json")

    assert list(published.read(tmp_path / "proved.json").items()) == [("a", record), ("b", record)]
    assert record.figure("symptom", "symptom_seconds") == proved.rows[1].figures["symptom_seconds"]
    assert record.seconds == pytest.approx(sum(row.seconds for row in proved.rows))


def test_a_whole_and_honest_proof_of_our_own_is_published(
    proved: Proved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "proved.json"
    broken = replace(proved.rows[0], outcome="dishonest")

    assert not published.publish(replace(proved, short=True), place)
    assert not published.publish(replace(proved, rows=(broken,)), place)
    with monkeypatch.context() as patched:
        patched.setattr(published, "ours", lambda _: False)
        assert not published.publish(proved, place)
    assert not place.exists()
    named = replace(proved, setting=setting_of("stale_fresh_path"))
    assert published.publish(named, place)
    assert list(published.read(place)) == ["stale_fresh_path"]


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "proved.json").write_text('{"a": {"at": "yesterday"}}')

    with pytest.raises(ConfigError, match=r"proved\.json is no record of proofs"):
        published.read(tmp_path / "proved.json")


def test_nothing_is_known_before_the_first_proof(tmp_path: Path) -> None:
    assert published.read(tmp_path / "proved.json") == {}


def test_the_page_says_what_the_catalogue_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reference, "PAGE", tmp_path / "faults.md")
    reference.write()

    assert (tmp_path / "faults.md").read_text() == reference.page()
    for fault_id in ("stale_fresh_path", "scheduled_minutes_unit", "oversized_champion"):
        assert f"## {fault_id}" in reference.page()


def test_the_page_carries_the_measured_times(monkeypatch: pytest.MonkeyPatch, proved: Proved) -> None:
    step = {"symptom_seconds": 123.0}
    steps = [published.Step(step="symptom", kind="symptom", seconds=130, figures=step)]
    record = published.record(proved).model_copy(update={"steps": tuple(steps)})
    monkeypatch.setattr(published, "read", lambda: {"stale_fresh_path": record})

    assert "| 123 s |" in reference.page()


def test_no_workspace_holds_the_pages() -> None:
    tree = read_tree(ROOT, ROOT / "interview" / "workspace")

    assert (ROOT / "docs" / "reference" / "faults.md").exists()
    assert [path for path in tree if "fault" in path] == []
