"""Every error the harness raises on purpose.

BrownoutError
├── LedgerError              a ledger that cannot be read or written
│   ├── LedgerCorruptError       the file or its chain is damaged; says what survives
│   └── LedgerRefusedError       an entry that the ledger does not accept
├── LifecycleError           a step that the interview's state does not allow
├── PreparationError         a step of the preparation failed or missed its deadline
├── FindingError             a finding outside the vocabulary
├── ScorecardError           a scorecard that is not one, or does not match its ledger
├── DatasetError             the canonical events cannot be fetched, made or read
├── WorldError               the world cannot start, or does not answer its control
├── PlatformError            the platform, driven from outside, did not do what was asked
├── ProctorError             the proctor cannot be reached, or a secret of the harness is not in order
├── StackError               a process of the harness is not as it should be
├── SecrecyError             the two sides cannot be kept apart where that was promised
└── BaselineError            a baseline that cannot be built, restored or verified

Unknown names are `ontime.errors.UnknownNameError`, bad settings `ontime.errors.ConfigError`.
Every message names the thing, the value received and the remedy.
"""

from __future__ import annotations

from ontime.errors import OntimeError


class BrownoutError(OntimeError):
    """Base of all deliberate errors of the harness; the CLI prints the message and exits with `exit_code`."""


class LedgerError(BrownoutError):
    pass


class LedgerCorruptError(LedgerError):
    """`survivors` is the number of entries, from the first on, whose chain is whole."""

    def __init__(self, message: str, survivors: int = 0) -> None:
        super().__init__(message)
        self.survivors = survivors


class LedgerRefusedError(LedgerError):
    pass


class LifecycleError(BrownoutError):
    exit_code = 4


class PreparationError(BrownoutError):
    exit_code = 5


class FindingError(BrownoutError):
    exit_code = 2


class ScorecardError(BrownoutError):
    exit_code = 6


class DatasetError(BrownoutError):
    exit_code = 5


class WorldError(BrownoutError):
    pass


class PlatformError(BrownoutError):
    pass


class BaselineError(BrownoutError):
    exit_code = 5


class SecrecyError(BrownoutError):
    exit_code = 5


class ProctorError(BrownoutError):
    pass


class StackError(BrownoutError):
    pass
