"""What keeps Alertmanager quiet."""

from __future__ import annotations

from typing import Any

import httpx

from brownout.http import client

TIMEOUT = httpx.Timeout(2.0, connect=0.5)


def active_silences(url: str) -> dict[str, str]:
    """What each active silence matches, by its id. Raises `httpx.HTTPError`, or `ValueError` for another answer."""
    answer = client().get(f"{url}/api/v2/silences", timeout=TIMEOUT)
    answer.raise_for_status()
    told: list[dict[str, Any]] = answer.json()
    try:
        return {str(s["id"]): _matched(s["matchers"]) for s in told if s["status"]["state"] == "active"}
    except (KeyError, TypeError) as error:
        raise ValueError(f"Alertmanager at {url} tells of silences in a form that is not known: {error}") from error


def _matched(matchers: list[dict[str, Any]]) -> str:
    return " ".join(f"{m['name']}{'=~' if m['isRegex'] else '='}{m['value']}" for m in matchers)
