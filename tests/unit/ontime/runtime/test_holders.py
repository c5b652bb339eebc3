from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ontime.errors import RuntimeStateError
from ontime.runtime.components import chosen
from ontime.runtime.holders import holder_of, refuse_taken_ports
from ontime.settings import Environment


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_named_with_its_holder(taken: int) -> None:
    environment = Environment(state=Path("/s"), ingest_url=f"http://127.0.0.1:{taken}")

    with pytest.raises(RuntimeStateError, match=rf"Port {taken} of ingest is held by process {os.getpid()} \("):
        refuse_taken_ports(environment, chosen(["ingest"]))


def test_a_free_port_has_no_holder(taken: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]

    assert holder_of("127.0.0.1", taken) is not None
    assert holder_of("127.0.0.1", free) is None
