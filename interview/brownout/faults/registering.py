"""Puts a trained version into the registry as a person's training run would, and makes it champion."""

from __future__ import annotations

from brownout.faults.context import InjectContext
from brownout.faults.models import Recipe


def register_as_champion(context: InjectContext, recipe: Recipe, description: str) -> str:
    """Returns the new version. The champion before becomes `previous`. Raises `PreparationError`."""
    raise NotImplementedError
