from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from ontime.errors import ConfigError
from ontime.runtime.components import COMPONENTS
from ontime.runtime.supervisor_config import WATCHER, render, socket_path
from ontime.settings import Environment


def rendered(state: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(render(Environment(state=state), COMPONENTS.values()))
    return parser


def test_every_component_is_a_program_that_the_runtime_starts_itself(tmp_path: Path) -> None:
    parser = rendered(Path("/s"))
    programs = {section.removeprefix("program:") for section in parser.sections() if section.startswith("program:")}

    assert programs == set(COMPONENTS)
    for name in programs:
        program = parser[f"program:{name}"]
        assert program["autostart"] == "false"
        assert program["autorestart"] == "true"
        assert program["stopasgroup"] == program["killasgroup"] == "true"
        assert program["command"].endswith(f"ontime.runtime.launch {name}")
        assert program["stdout_logfile"] == f"/s/log/{name}.log"
        assert program.getint("stopwaitsecs") == COMPONENTS[name].stop_seconds


def test_only_this_user_may_talk_to_the_supervisor() -> None:
    parser = rendered(Path("/s"))

    assert parser["unix_http_server"]["chmod"] == "0700"
    assert "inet_http_server" not in parser
    assert f"eventlistener:{WATCHER}" in parser


def test_percent_signs_are_not_expanded() -> None:
    assert rendered(Path("/100%"))["supervisord"]["logfile"] == "/100%%/log/supervisor.log"


def test_nothing_of_the_environment_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "hush-hush")

    assert "hush" not in render(Environment(state=Path("/s")), COMPONENTS.values())


def test_a_state_directory_too_long_for_a_socket_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"ONTIME_STATE.*Expected a path of at most 83 characters"):
        socket_path(Environment(state=Path("/" + "x" * 100)))
