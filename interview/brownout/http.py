"""Asking the stack's own components over HTTP."""

from __future__ import annotations

from functools import cache

import httpx


@cache
def client() -> httpx.Client:
    """One for all threads, since each new one reads every certificate that the system trusts: 20 ms of a core a look.

    It keeps no connection open, because components come and go, and heeds no proxy.
    """
    return httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
