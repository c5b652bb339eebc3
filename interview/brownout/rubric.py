"""The rubric: what a person rates, on which anchors. Read from `interview/guide/rubric.yaml`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brownout.settings import ROOT
from ontime.errors import ConfigError

PATH = ROOT / "interview" / "guide" / "rubric.yaml"


class Dimension(BaseModel):
    """One thing to rate. `anchors` say, for scores 1 to 5, what somebody with that score was seen doing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    question: str
    anchors: dict[int, str] = Field(min_length=5, max_length=5)


class Rubric(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    dimensions: dict[str, Dimension]


@lru_cache(maxsize=1)
def load() -> Rubric:
    """Raises `ConfigError` naming the file and the key."""
    try:
        raw: Any = yaml.safe_load(PATH.read_text())
        rubric = Rubric.model_validate(raw)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{PATH} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{PATH}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for name, dimension in rubric.dimensions.items():
        if sorted(dimension.anchors) != [1, 2, 3, 4, 5]:
            raise ConfigError(f"{PATH}: dimension {name!r} has anchors {sorted(dimension.anchors)}. Expected 1 to 5.")
    return rubric


def dimensions() -> tuple[str, ...]:
    return tuple(load().dimensions)
