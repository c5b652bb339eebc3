"""The model registry: MLflow's versions and aliases of `ontime-delay`.

Reading (`RegistryReader`) is light and needs no mlflow; writing (`ontime.registry.writer`) and moving aliases
(`ontime.registry.promotion`) import it.
"""

from ontime.registry.model import (
    ALIASES,
    BOOSTER_PATH,
    CHALLENGER,
    CHAMPION,
    MODEL_DIRECTORY,
    MODEL_FILE,
    MODEL_NAME,
    PREVIOUS,
    ModelVersion,
)
from ontime.registry.reader import RegistryReader

__all__ = [
    "ALIASES",
    "BOOSTER_PATH",
    "CHALLENGER",
    "CHAMPION",
    "MODEL_DIRECTORY",
    "MODEL_FILE",
    "MODEL_NAME",
    "PREVIOUS",
    "ModelVersion",
    "RegistryReader",
]
