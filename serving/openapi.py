"""The service's OpenAPI 3.1 document, made from the contract."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from ontime.contract import PredictBatch, Prediction, PredictionBatch, ScheduledFlight
from serving.requests import MAX_BODY_BYTES

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>ontime serving</title>
<link rel="stylesheet" href="./static_content/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="./static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "./openapi.json", dom_id: "#swagger-ui"})</script>
</body>
</html>
"""
"""The document to read and try, with the assets that BentoML ships; its own page tells a third party of each visit."""
REF = "#/components/schemas/{model}"


class Problem(BaseModel):
    """One thing wrong with a request."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="Dotted path, such as flights.3.distance_miles.")
    reason: str
    value: Any = Field(description="What was received, shortened; null when nothing was.")


class Refusal(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(extra="forbid")

    errors: list[Problem] = Field(min_length=1)


class Readiness(BaseModel):
    """Whether the worker can answer, and what it lacks or does without."""

    model_config = ConfigDict(extra="forbid")

    ready: bool
    model_version: str = Field(description="The champion's version, or 'fallback'.")
    reasons: list[str]


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}


def _json(*models: type[BaseModel]) -> dict[str, Any]:
    schema = _ref(models[0]) if len(models) == 1 else {"oneOf": [_ref(m) for m in models]}
    return {"application/json": {"schema": schema}}


def _request_id() -> dict[str, Any]:
    return {"X-Request-Id": {"description": "The request's id, as logged.", "schema": {"type": "string"}}}


def _refused(description: str) -> dict[str, Any]:
    return {"description": description, "headers": _request_id(), "content": _json(Refusal)}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document; the schemas are those that requests are validated with."""
    _, definitions = models_json_schema(
        [
            (ScheduledFlight, "validation"),
            (PredictBatch, "validation"),
            (Prediction, "serialization"),
            (PredictionBatch, "serialization"),
            (Refusal, "serialization"),
            (Readiness, "serialization"),
        ],
        ref_template=REF,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ontime serving",
            "version": "1",
            "description": "Will this flight arrive more than 15 minutes late?",
        },
        "servers": [{"url": "/"}],
        "paths": {
            "/predict": {"post": _predict()},
            "/healthz": {
                "get": {
                    "operationId": "healthz",
                    "summary": "Whether the worker is alive.",
                    "responses": {"200": _plain("It is.")},
                }
            },
            "/readyz": {
                "get": {
                    "operationId": "readyz",
                    "summary": "Whether the worker can answer: features readable, a model or the fallback up.",
                    "responses": {
                        "200": {"description": "It can.", "content": _json(Readiness)},
                        "503": {"description": "Not now; the reasons say why.", "content": _json(Readiness)},
                    },
                }
            },
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "Series of all workers in Prometheus' text format.",
                    "responses": {"200": _plain("The series.")},
                }
            },
        },
        "components": {"schemas": definitions["$defs"]},
    }


def _plain(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _predict() -> dict[str, Any]:
    return {
        "operationId": "predict",
        "summary": "Probability of a late arrival for one flight, or for up to 500.",
        "description": (
            "A flight as the body gets a Prediction, `{'flights': […]}` a PredictionBatch in the same order."
            " JSON is read strictly: nothing is converted, unknown fields are refused."
        ),
        "parameters": [
            {
                "name": "X-Request-Id",
                "in": "header",
                "required": False,
                "description": "Kept as the request's id when it is 1 to 64 of A-Z a-z 0-9 . _ -",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": _json(ScheduledFlight, PredictBatch)},
        "responses": {
            "200": {
                "description": "Answered.",
                "headers": _request_id(),
                "content": _json(Prediction, PredictionBatch),
            },
            "400": _refused("The body is not JSON."),
            "413": _refused(f"The body is larger than {MAX_BODY_BYTES} bytes."),
            "415": _refused("The content type is not application/json."),
            "422": _refused("The body breaks the contract."),
            "500": _refused("The service failed; the log has the request's id."),
        },
    }
