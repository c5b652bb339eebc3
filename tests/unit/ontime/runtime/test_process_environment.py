from __future__ import annotations

from pathlib import Path

from ontime.runtime.process_environment import COMPONENT, SILENT, addresses, clean
from ontime.settings import Environment


def test_nothing_of_the_invoker_leaks() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/h",
        "SECRET_TOKEN": "x",
        "PYTHONPATH": "/evil",
        COMPONENT: "x",
        "ONTIME_STATE": "/s",
    }
    got = clean(given, Path("/tree"))

    assert "SECRET_TOKEN" not in got
    assert COMPONENT not in got
    assert got["PYTHONPATH"] == "/tree/platform:/tree"
    assert (got["ONTIME_STATE"], got["HOME"], got["TZ"]) == ("/s", "/h", "UTC")


def test_telemetry_is_off_whatever_the_invoker_says() -> None:
    got = clean({"DO_NOT_TRACK": "0", "MLFLOW_DISABLE_TELEMETRY": "false"}, Path("/tree"))

    assert {name: got[name] for name in SILENT} == SILENT
    assert got["DO_NOT_TRACK"] == "true"


def test_addresses_spell_out_the_defaults() -> None:
    told = addresses(Environment(state=Path("/s")))

    assert told["ONTIME_STATE"] == "/s"
    assert told["ONTIME_INGEST_URL"].startswith("http://")
    assert "ONTIME_CLOCK_FILE" not in told
