"""The interviewer's own Prometheus: it scrapes the proctor and nothing else, and wants a password itself."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import bcrypt
import yaml

from brownout.proctor import tokens
from brownout.settings import Harness
from ontime.files import replace_text
from ontime.runtime.address import listen_address
from ontime.runtime.tools import find

USER = "interviewer"
BCRYPT_ROUNDS = 10
RETENTION = "30d"


def directory(harness: Harness) -> Path:
    return harness.state / "prometheus"


def configuration(harness: Harness) -> dict[str, object]:
    address = urlsplit(harness.metrics_url)
    return {
        "global": {"scrape_interval": "2s", "evaluation_interval": "15s"},
        "scrape_configs": [
            {
                "job_name": "proctor",
                "scheme": address.scheme,
                "authorization": {"type": "Bearer", "credentials_file": str(tokens.path(harness, "metrics"))},
                "static_configs": [{"targets": [address.netloc]}],
            }
        ],
    }


def write(harness: Harness) -> None:
    """Writes both configuration files and makes the tokens that they need; all of it 0600."""
    tokens.ensure(harness, "metrics")
    password = tokens.ensure(harness, "prometheus")
    place = directory(harness)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()
    replace_text(place / "prometheus.yml", yaml.safe_dump(configuration(harness), sort_keys=False), mode=0o600)
    replace_text(place / "web.yml", yaml.safe_dump({"basic_auth_users": {USER: hashed}}), mode=0o600)


def command(harness: Harness) -> list[str]:
    """Raises `RuntimeStateError` when there is no Prometheus."""
    place = directory(harness)
    return [
        find("prometheus"),
        f"--config.file={place / 'prometheus.yml'}",
        f"--web.config.file={place / 'web.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address={listen_address(harness.host, harness.prometheus_url)}",
        "--log.level=warn",
    ]
