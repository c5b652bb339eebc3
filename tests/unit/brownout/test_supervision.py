from __future__ import annotations

import configparser
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from brownout import supervision as supervising
from brownout.errors import StackError
from brownout.settings import Harness
from brownout.supervision import Part, Supervision
from ontime.runtime.readiness import answers

LAUNCHER = """
import http.server, sys
if sys.argv[1] == "broken":
    sys.exit("this one cannot start")
class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Quiet).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Harness:
    """A state directory whose socket path is short enough."""
    place = tmp_path_factory.mktemp("h")
    return Harness(state=place)


@pytest.fixture
def made(short: Harness, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervision]:
    """A supervision of one tiny web server, and of one that cannot start."""
    script, port = short.state / "server.py", free_port()
    script.write_text(LAUNCHER)
    monkeypatch.setattr(supervising, "launcher", lambda name: f'"{sys.executable}" "{script}" {name} {port}')
    part = Part("page", list, port, lambda: answers(f"http://127.0.0.1:{port}"), ready_seconds=15)
    broken = Part("broken", list, free_port(), lambda: answers("http://127.0.0.1:1"), ready_seconds=15)
    supervision = Supervision(short, (part, broken))
    yield supervision
    supervision.down()


def states(supervision: Supervision) -> dict[str, str]:
    return {part.name: part.state for part in supervision.status()}


def test_up_status_stop_and_down(made: Supervision) -> None:
    before = states(made)
    made.up(["page"])
    up = made.status()[0]
    made.up(["page"])
    made.stop(["page"])
    stopped = states(made)
    made.down()

    assert before == {"page": "stopped", "broken": "stopped"}
    assert (up.state, up.pid is not None) == ("ready", True)
    assert stopped["page"] == "stopped"
    assert made.pid() is None
    assert up.pid is None or not psutil.pid_exists(up.pid)


def test_a_part_that_cannot_start_is_told_with_its_last_lines(made: Supervision) -> None:
    with pytest.raises(StackError, match=r"(?s)broken is not ready.*this one cannot start"):
        made.up(["broken"])


def test_a_killed_supervisor_is_told_and_its_orphans_are_ended(made: Supervision) -> None:
    made.up(["page"])
    pid, child = made.pid(), made.status()[0].pid
    assert pid is not None
    assert child is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)

    told = states(made)
    made.up(["page"])

    assert told["page"] == "unsupervised"
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert states(made)["page"] == "ready"


def test_a_taken_port_is_named_with_its_holder(made: Supervision) -> None:
    port = made.status()[0].port
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with pytest.raises(StackError, match=rf"Port {port} of page is held by process {os.getpid()}"):
            made.up(["page"])


def test_its_files_are_the_invokers_alone_and_hold_no_secret(made: Supervision, short: Harness) -> None:
    made.up(["page"])

    config = short.run / "supervisord.conf"
    parsed = configparser.RawConfigParser()
    parsed.read(config)
    assert config.stat().st_mode & 0o077 == 0
    assert short.run.stat().st_mode & 0o077 == 0
    assert "token" not in config.read_text()
    assert parsed["supervisord"]["umask"] == "077"


def test_a_state_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    long = Harness(state=tmp_path / ("x" * 120))

    with pytest.raises(StackError, match="too long for a socket"):
        Supervision(long, ()).up()
