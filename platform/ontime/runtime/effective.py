"""Every setting in effect, with the place it comes from."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ontime.settings import environment, load_behaviour


@dataclass(frozen=True, slots=True)
class Setting:
    key: str
    value: object
    source: str


def effective(tree: Path) -> list[Setting]:
    """The environment's settings, then the behaviour of `tree`. Raises `ConfigError`."""
    found = []
    for name, value in environment().model_dump(mode="json").items():
        variable = f"ONTIME_{name.upper()}"
        found.append(Setting(variable, value, "environment" if variable in os.environ else "default"))
    path = tree / "ontime.toml"
    behaviour = load_behaviour(path).model_dump(mode="json")
    written = tomllib.loads(path.read_text())
    for section, keys in behaviour.items():
        for key, value in keys.items():
            source = "ontime.toml" if key in written.get(section, {}) else "default"
            found.append(Setting(f"{section}.{key}", value, source))
    return found
