"""A request body → scheduled flights, or a refusal that names the field, the reason and the value.

JSON is read strictly: a number is a number (`"12"` is refused, and so is `12.0` for a whole number), a time is an
ISO 8601 string with an offset, an unknown field is refused. Nothing is coerced, so that nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.types import Receive

from ontime.contract import PredictBatch, ScheduledFlight
from ontime.errors import ContractError

JSON = "application/json"
MAX_BODY_BYTES = 2_000_000
MAX_ERRORS = 50
MAX_VALUE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request; `field` is a dotted path such as `flights.3.distance_miles`."""

    field: str
    reason: str
    value: Any


class RefusedError(ContractError):
    """A request that gets a 4xx: `status` and what is wrong with it."""

    def __init__(self, status: int, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{e.field}: {e.reason}" for e in errors))
        self.status = status
        self.errors = errors


class ClientGoneError(Exception):
    """The caller hung up before its request was complete; nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: one flight, or several in one body."""

    flights: list[ScheduledFlight]
    single: bool


def _shown(value: Any) -> Any:
    """The value as the answer repeats it: plain and short."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_VALUE_LENGTH else text[:MAX_VALUE_LENGTH] + "…"


def _field_error(error: ErrorDetails) -> FieldError:
    where = ".".join(str(part) for part in error["loc"]) or "body"
    missing = error["type"] == "missing" or isinstance(error["input"], dict)
    return FieldError(where, error["msg"], None if missing else _shown(error["input"]))


def parse(body: bytes) -> Question:
    """Raises `RefusedError`: 400 when the body is not JSON, 422 when it breaks the contract."""
    try:
        document = from_json(body)
    except ValueError as error:
        raise RefusedError(400, FieldError("body", f"not JSON: {error}", None)) from None
    if not isinstance(document, dict):
        found = type(document).__name__
        raise RefusedError(
            422, FieldError("body", f"expected an object (a flight, or {{'flights': […]}}); got {found}", None)
        )
    try:
        if "flights" in document:
            return Question(PredictBatch.model_validate_json(body).flights, single=False)
        return Question([ScheduledFlight.model_validate_json(body)], single=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise RefusedError(422, *map(_field_error, details[:MAX_ERRORS])) from None


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The whole body. Raises `RefusedError` for a wrong content type (415) or too many bytes (413)."""
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    if content_type != JSON and content_type.partition(";")[0].strip().lower() != JSON:
        raise RefusedError(415, FieldError("content-type", f"expected {JSON}", _shown(content_type)))
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise RefusedError(413, FieldError("body", f"expected at most {MAX_BODY_BYTES} bytes", int(declared)))
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413, FieldError("body", f"expected at most {MAX_BODY_BYTES} bytes", None))
    return body
