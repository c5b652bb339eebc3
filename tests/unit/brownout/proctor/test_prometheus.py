from __future__ import annotations

import shutil
import subprocess

import bcrypt
import pytest
import yaml

from brownout.errors import ProctorError
from brownout.proctor import prometheus, tokens
from brownout.settings import Harness

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@needs_promtool
def test_promtool_accepts_both_files(ours: Harness) -> None:
    prometheus.write(ours)
    place = prometheus.directory(ours)

    for command in (
        ["check", "config", str(place / "prometheus.yml")],
        ["check", "web-config", str(place / "web.yml")],
    ):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_password_is_kept_hashed_where_prometheus_reads_it(ours: Harness) -> None:
    prometheus.write(ours)
    text = (prometheus.directory(ours) / "web.yml").read_text()
    hashed = yaml.safe_load(text)["basic_auth_users"][prometheus.USER]

    assert tokens.read(ours, "prometheus") not in text
    assert bcrypt.checkpw(tokens.read(ours, "prometheus").encode(), hashed.encode())


def test_nothing_secret_is_readable_by_others_or_an_argument(ours: Harness) -> None:
    prometheus.write(ours)

    files = [*prometheus.directory(ours).glob("*.yml"), *ours.run.glob("*.token")]
    assert len(files) == 4
    assert [file for file in files if file.stat().st_mode & 0o077] == []
    if shutil.which("prometheus"):
        command = " ".join(prometheus.command(ours))
        assert tokens.read(ours, "metrics") not in command
        assert tokens.read(ours, "prometheus") not in command


def test_tokens_stay_what_they_are(ours: Harness) -> None:
    assert tokens.ensure(ours, "proctor") == tokens.ensure(ours, "proctor") == tokens.read(ours, "proctor")


@pytest.mark.parametrize("damage", ["missing", "empty", "open"])
def test_a_token_that_is_not_in_order_is_refused(ours: Harness, damage: str) -> None:
    tokens.ensure(ours, "proctor")
    file = tokens.path(ours, "proctor")
    match damage:
        case "missing":
            file.unlink()
        case "empty":
            file.write_text("\n")
        case _:
            file.chmod(0o644)

    with pytest.raises(ProctorError, match="brownout up"):
        tokens.read(ours, "proctor")
