"""Series of several workers, merged: counters add up and survive a killed worker, gauges do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ontime.settings import ROOT

WORKER = """
import os, signal
from serving.metrics import Metrics
metrics = Metrics()
metrics.requests.labels("single", "200").inc(3)
metrics.log_queue.set(5)
metrics.model_info.labels("champion", "1").set(1)
metrics.model_info.labels("champion", "1").set(0)
metrics.model_info.labels("champion", "2").set(1)
metrics.observe_ages("origin_fresh", __import__("numpy").array([100.0]))
if not KILLED:
    print(metrics.exposition().decode())
os.kill(os.getpid(), signal.SIGKILL)
"""


def run_worker(directory: Path, killed: bool) -> list[str]:
    variables = {
        **os.environ,
        "PROMETHEUS_MULTIPROC_DIR": str(directory),
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
        "PYTHONUNBUFFERED": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", WORKER.replace("KILLED", str(killed))],
        check=False,
        capture_output=True,
        text=True,
        env=variables,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_a_killed_workers_counters_stay_and_its_gauges_go(tmp_path: Path) -> None:
    run_worker(tmp_path, killed=True)
    series = run_worker(tmp_path, killed=False)

    assert 'ontime_predict_requests_total{code="200",size="single"} 6.0' in series
    assert 'ontime_feature_age_seconds_bucket{le="300.0",view="origin_fresh"} 2.0' in series
    assert 'ontime_feature_age_seconds_count{view="origin_fresh"} 2.0' in series
    assert "ontime_prediction_log_queue_rows 5.0" in series
    assert [line for line in series if line.startswith("ontime_model_info{")] == [
        'ontime_model_info{alias="champion",version="2"} 1.0'
    ]
