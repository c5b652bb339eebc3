"""Host and port of a base URL."""

from __future__ import annotations

from urllib.parse import urlsplit

from ontime.errors import ConfigError


def port_of(url: str) -> int:
    """The port that a local server binds to. Raises `ConfigError` when the URL names none."""
    port = urlsplit(url).port
    if port is None:
        raise ConfigError.of("a component's URL", url, "a URL with a port, such as http://127.0.0.1:7101")
    return port


def listen_address(host: str, url: str) -> str:
    """`host:port`, as Go programs want it."""
    return f"{host}:{port_of(url)}"


def listens_at(url: str) -> str:
    """`host:port` of a URL, as a client's Host header names it."""
    return urlsplit(url).netloc
