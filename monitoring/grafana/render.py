"""Renders `monitoring.panels` as a Grafana dashboard: `python -m monitoring.grafana.render` writes `ontime.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monitoring.panels import ROWS, Panel, Row, Unit, thresholds

TARGET = Path(__file__).resolve().parent / "ontime.json"
UNITS: dict[Unit, str] = {
    "ratio": "percentunit",
    "seconds": "s",
    "per_second": "ops",
    "dollars": "currencyUSD",
    "number": "short",
    "version": "none",
    "log": "none",
    "state": "none",
}
COLOURS = {"page": "red", "ticket": "orange"}
WIDTH, HEIGHT, COLUMNS = 12, 8, 2
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _thresholds(panel: Panel) -> dict[str, Any]:
    steps = [{"color": COLOURS[rule.severity], "value": value} for value, rule in sorted_by_value(panel)]
    return {"mode": "absolute", "steps": [{"color": "green", "value": None}, *steps]}


def sorted_by_value(panel: Panel) -> list[tuple[float, Any]]:
    """Thresholds from below, without the mirrored ones: Grafana colours everything above a step."""
    return sorted((pair for pair in thresholds(panel) if pair[0] >= 0), key=lambda pair: pair[0])


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": UNITS[panel.unit], "thresholds": _thresholds(panel)}
    if panel.low is not None:
        defaults["min"] = panel.low
    if panel.high is not None:
        defaults["max"] = panel.high
    if panel.kind == "lines":
        defaults["custom"] = {"thresholdsStyle": {"mode": "dashed"}, "fillOpacity": 0, "spanNulls": False}
    return {
        "id": number,
        "type": "timeseries" if panel.kind == "lines" else "state-timeline",
        "title": panel.title,
        "description": panel.question,
        "datasource": DATASOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": x, "y": y},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "links": [{"title": name, "url": f"${{dashboards}}/runbooks/{name}"} for name in panel.alerts],
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query.expr, "legendFormat": query.legend, "datasource": DATASOURCE}
            for index, query in enumerate(panel.queries)
        ],
    }


def _row(row: Row, number: int, y: int) -> list[dict[str, Any]]:
    head = {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": False,
        "gridPos": {"h": 1, "w": WIDTH * COLUMNS, "x": 0, "y": y},
        "panels": [],
    }
    return [
        head,
        *(
            _panel(panel, number + 1 + i, i % COLUMNS * WIDTH, y + 1 + i // COLUMNS * HEIGHT)
            for i, panel in enumerate(row.panels)
        ),
    ]


def dashboard() -> dict[str, Any]:
    """The dashboard's JSON model."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in ROWS:
        panels += _row(row, len(panels) + 1, y)
        y += 1 + -(-len(row.panels) // COLUMNS) * HEIGHT
    return {
        "uid": "ontime",
        "title": "ontime",
        "tags": ["ontime"],
        "timezone": "browser",
        "schemaVersion": 39,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                {"name": "dashboards", "type": "textbox", "query": "http://127.0.0.1:7108", "label": "Dashboards page"},
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "Alerts",
                    "enable": True,
                    "datasource": DATASOURCE,
                    "expr": 'ALERTS{alertstate="firing"}',
                    "titleFormat": "{{alertname}}",
                    "iconColor": "red",
                }
            ]
        },
        "panels": panels,
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
