"""The answers that are not successes, as the OpenAPI document tells them."""

from __future__ import annotations

from typing import Any

from brownout.proctor.schemas import Invalid, Refusal

Responses = dict[int | str, dict[str, Any]]

DENIED: Responses = {
    401: {"model": Refusal, "description": "No valid token or code."},
    403: {"model": Refusal, "description": "Valid, but not for this."},
}
INVALID: Responses = {
    400: {"model": Refusal, "description": "The body is not readable."},
    413: {"model": Refusal, "description": "The body is too large."},
    422: {"model": Refusal | Invalid, "description": "A value outside its schema or vocabulary."},
}
MISSING: Responses = {404: {"model": Refusal, "description": "There is no such interview or part of it."}}
CONFLICT: Responses = {409: {"model": Refusal, "description": "The interview's state does not allow it."}}
