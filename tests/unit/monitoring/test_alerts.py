"""Every alert: a test that it stays quiet, one that it fires, a runbook, and metrics that somebody exports."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.alertmanager.render import render as render_alertmanager
from monitoring.alerts import RULES, RUNBOOKS, Alert, alerts
from monitoring.exporter.collectors import collectors
from monitoring.panels import PANELS, Panel
from monitoring.prometheus.render import render
from ontime.settings import Environment

TESTS = RULES.parent / "tests"
ENVIRONMENT = Environment(state=Path("/tmp/nowhere"), dashboards_url="http://127.0.0.1:7108")  # noqa: S108
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
ELSEWHERE = {
    # ingest
    "ontime_events_total",
    "ontime_events_rejected_total",
    "ontime_fresh_watermark_timestamp_seconds",
    # serving
    "ontime_predict_requests_total",
    "ontime_predict_duration_seconds_bucket",
    "ontime_predictions_total",
    "ontime_feature_age_seconds_bucket",
    "ontime_feature_rows_missing_total",
    "ontime_feature_reads_total",
    "ontime_model_loads_total",
    "ontime_registry_up",
    "ontime_prediction_log_rows_total",
    # the exporter about itself
    "ontime_exporter_errors_total",
    "ontime_exporter_look_seconds",
}
METRIC = re.compile(r"\bontime_\w+")
RECORDED = re.compile(r"\b[a-z_]+:ontime_\w+:\w+|\bontime:\w+(?::\w+)?")


def exported() -> set[str]:
    return ELSEWHERE | {name for one in collectors(ENVIRONMENT) for name in one.metrics}


def rules() -> list[dict[str, Any]]:
    groups = [yaml.safe_load(path.read_text())["groups"] for path in sorted(RULES.glob("*.yml"))]
    return [rule for found in groups for group in found for rule in group["rules"]]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", list(alerts()))
def test_alert_has_a_quiet_and_a_firing_test(name: str) -> None:
    tests = yaml.safe_load((TESTS / f"{name}.yml").read_text())["tests"]

    assert [test["name"].partition(":")[0] for test in tests] == ["stays quiet", "fires"]
    assert all(f'alertname="{name}"' in test["promql_expr_test"][0]["expr"] for test in tests)
    assert [bool(test["promql_expr_test"][0]["exp_samples"]) for test in tests] == [False, True]


@pytest.mark.parametrize("name", list(alerts()))
def test_alert_has_a_runbook(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()

    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.M) == HEADINGS


def test_nothing_is_left_over() -> None:
    known = sorted(alerts())

    assert sorted(path.stem for path in TESTS.glob("*.yml")) == known
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == known


def test_promtool_passes_every_test() -> None:
    done = promtool("test", "rules", *(str(path) for path in sorted(TESTS.glob("*.yml"))))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rule_uses_what_somebody_exports(rule: dict[str, str]) -> None:
    recorded = {one["record"] for one in rules() if "record" in one}
    expr = rule["expr"]
    derived = set(RECORDED.findall(expr))
    used = set(METRIC.findall(RECORDED.sub("", expr)))

    assert derived - recorded == set()
    assert used - exported() == set()


@pytest.mark.parametrize("panel", PANELS.values(), ids=lambda panel: panel.id)
def test_panel_uses_what_somebody_exports(panel: Panel) -> None:
    recorded = {one["record"] for one in rules() if "record" in one}
    expr = " ".join(query.expr for query in panel.queries)

    assert set(RECORDED.findall(expr)) - recorded == set()
    assert set(METRIC.findall(RECORDED.sub("", expr))) - exported() == set()


@pytest.mark.parametrize("alert", alerts().values(), ids=lambda alert: alert.name)
def test_annotations(alert: Alert) -> None:
    rule = next(rule for rule in rules() if rule.get("alert") == alert.name)
    notes: dict[str, str] = rule["annotations"]

    assert rule["labels"]["severity"] in ("page", "ticket")
    assert notes["runbook_url"] == "{{ $externalLabels.dashboards }}/runbooks/" + rule["alert"]
    if "threshold" in notes:
        numbers = {float(number) for number in re.findall(r"[<>] ?(-?[\d.]+)", rule["expr"])}
        assert float(notes["threshold"]) in numbers


def test_every_alert_of_a_component_is_drawn_or_on_the_map() -> None:
    from monitoring.dashboards.overview import PARTS

    drawn = {name for panel in PANELS.values() for name in panel.alerts} | {n for part in PARTS for n in part.alerts}

    assert set(alerts()) - drawn == set()


def test_configuration_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(render(ENVIRONMENT, RULES))

    done = promtool("check", "config", str(tmp_path / "prometheus.yml"))

    assert done.returncode == 0, done.stderr


def test_configuration_scrapes_the_environment_s_addresses() -> None:
    environment = Environment(state=Path("/tmp/nowhere"), serving_url="http://10.1.2.3:8000")  # noqa: S108
    configuration = yaml.safe_load(render(environment))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in configuration["scrape_configs"]}

    assert targets["serving"] == ["10.1.2.3:8000"]
    assert configuration["rule_files"] == ["/tmp/nowhere/current/monitoring/prometheus/rules/*.yml"]  # noqa: S108


def test_alertmanager_sends_to_the_inbox() -> None:
    configuration = yaml.safe_load(render_alertmanager(ENVIRONMENT))

    assert configuration["receivers"][0]["webhook_configs"][0]["url"] == "http://127.0.0.1:7108/alerts"
    names = re.findall(r"\w+", " ".join(str(rule) for rule in configuration["inhibit_rules"]))
    assert {name for name in names if name[0].isupper()} - set(alerts()) == set()
