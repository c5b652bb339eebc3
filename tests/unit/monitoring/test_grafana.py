"""The committed Grafana dashboard is the one that the panels give."""

from __future__ import annotations

from monitoring.grafana.render import TARGET, dashboard, text
from monitoring.panels import PANELS


def test_committed_json_is_current() -> None:
    assert TARGET.read_text() == text(), "run: python -m monitoring.grafana.render"


def test_every_panel_is_there_once() -> None:
    panels = [one for one in dashboard()["panels"] if one["type"] != "row"]

    assert [one["title"] for one in panels] == [panel.title for panel in PANELS.values()]
    assert len({one["id"] for one in dashboard()["panels"]}) == len(dashboard()["panels"])
