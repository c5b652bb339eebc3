from __future__ import annotations

from pathlib import Path

import pytest

from ontime.cli import reference
from ontime.settings import ROOT

RULES = """
groups:
  - name: g
    rules:
      - {record: "a:b", expr: "rate(x[1m])"}
      - {alert: TooHot, expr: "a:b > 1", for: 30s, labels: {severity: page}, annotations: {summary: "Hot."}}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rules = tmp_path / "monitoring" / "prometheus" / "rules"
    rules.mkdir(parents=True)
    (rules / "a.yml").write_text(RULES)
    serving = tmp_path / "serving"
    serving.mkdir()
    (serving / "metrics.py").write_text(
        'A = Counter("ontime_asked", "Asked.", ["size"])\nB = Gauge("other_b", "No.")\n'
    )
    (serving / "collector.py").write_text('x = sample("ontime_c", 1.0, view="v")\nhelps = {"ontime_c": "Collected."}\n')
    return tmp_path


def test_metrics_are_read_from_the_source(tree: Path) -> None:
    page = reference.metrics(tree)

    assert "| `ontime_asked_total` | counter | `size` | Asked. | serving/metrics |" in page
    assert "| `ontime_c` | gauge | `view` | Collected. | serving/collector |" in page
    assert "other_b" not in page


def test_alerts_and_recorded_series_are_told_apart(tree: Path) -> None:
    page = reference.alerts(tree)

    assert "| TooHot | page | 30s | `a:b > 1` | Hot. |" in page
    assert "| `a:b` | `rate(x[1m])` |" in page


def test_a_changed_page_is_stale(tree: Path) -> None:
    made = reference.pages(tree)
    assert reference.stale(tree, made) == list(made)

    reference.write(tree, made)
    assert reference.stale(tree, made) == []
    (tree / reference.PLACE / "alerts.md").write_text("something else")
    assert reference.stale(tree, made) == ["alerts.md"]


def test_every_setting_has_a_description() -> None:
    rows = [line for line in reference.settings().splitlines() if line.startswith("| `")]

    assert len(rows) > 40
    assert [row for row in rows if row.rstrip(" |").endswith("|") or row.split("|")[-2].strip() == ""] == []


def test_every_command_says_what_it_does_and_shows_an_example() -> None:
    page = reference.command_line()
    sections = page.split("\n## ")[1:]

    assert {"up", "down", "status", "deploy", "undo"} <= {section.split()[1].strip("`") for section in sections}
    assert [section.splitlines()[0] for section in sections if "```sh" not in section] == []


def test_no_page_holds_a_path_of_this_machine() -> None:
    for text in reference.pages(ROOT).values():
        assert str(Path.home()) not in text
        assert str(ROOT) not in text
