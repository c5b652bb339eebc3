"""Every error the platform raises on purpose.

OntimeError
├── ConfigError          a setting has a value that cannot be used
├── UnknownNameError     a component, DAG, view or table that does not exist
├── ContractError        data that breaks the contract
├── WarehouseError       a table or file that cannot be read or written
├── FeatureStoreError    the online or offline store refused
├── RegistryError        MLflow could not be asked, or holds something unusable
│   └── GateRefusedError      a promotion that failed a gate
├── ArtifactError        a model file that is not what the registry says it is
└── RuntimeStateError    a component, port or process that is not as it should be

Every message names the thing, the value received and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OntimeError(Exception):
    """Base of all deliberate errors; the CLI prints the message without a traceback and exits with `exit_code`."""

    exit_code = 1


class ConfigError(OntimeError):
    exit_code = 2

    @classmethod
    def of(cls, key: str, value: object, expected: str) -> ConfigError:
        return cls(f"Config {key!r} has value {value!r}. Expected {expected}.")


class UnknownNameError(OntimeError):
    exit_code = 2

    @classmethod
    def of(cls, what: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """`what` in the singular, e.g. "component"; answers with the nearest known names."""
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
        hint = f"Did you mean {', '.join(near)}?" if near else f"Known: {', '.join(names) or 'none'}."
        return cls(f"Unknown {what} {name!r}. {hint}")


class ContractError(OntimeError):
    pass


class WarehouseError(OntimeError):
    pass


class FeatureStoreError(OntimeError):
    pass


class RegistryError(OntimeError):
    pass


class GateRefusedError(RegistryError):
    exit_code = 3


class ArtifactError(OntimeError):
    pass


class RuntimeStateError(OntimeError):
    pass
