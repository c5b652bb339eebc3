"""Plays a scripted candidate and interviewer against a running stack, and checks the scorecard against the script."""

from __future__ import annotations


def rehearse(scenario_id: str, seed: int | None = None) -> list[str]:
    """Returns the facts of the scorecard that differ from what the script did; empty when all agree."""
    raise NotImplementedError
