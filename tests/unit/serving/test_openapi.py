"""The document says what the service does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import schemathesis

from ontime.contract import MAX_BATCH
from serving import openapi
from serving.app import Application
from serving.requests import RefusedError, parse
from tests.unit.serving.conftest import FLIGHT, Platform, flight


def never() -> Any:
    raise AssertionError("no worker is needed")


def test_every_path_is_described() -> None:
    described = set(openapi.document()["paths"])

    assert described == Application(never).paths - {"/openapi.json", "/docs.json", "/"}


def test_both_addresses_serve_the_document(platform: Platform) -> None:
    async def run() -> list[Any]:
        async with platform.client() as client:
            return [(await client.get(path)).json() for path in ("/openapi.json", "/docs.json")]

    assert asyncio.run(run()) == [openapi.document()] * 2


def test_the_document_is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(openapi.document()).validate()


def test_every_refusal_of_predict_is_described() -> None:
    assert set(openapi.document()["paths"]["/predict"]["post"]["responses"]) == {
        "200",
        "400",
        "413",
        "415",
        "422",
        "500",
    }


def test_the_batch_limit_stands_in_the_schema() -> None:
    batch = openapi.document()["components"]["schemas"]["PredictBatch"]

    assert batch["properties"]["flights"]["maxItems"] == MAX_BATCH
    assert batch["additionalProperties"] is False


@pytest.mark.parametrize("body", [FLIGHT, flight(tail_number=None), flight(distance_miles=1e9), flight(x=1), {}, []])
def test_schema_and_service_agree_on_what_is_valid(body: Any) -> None:
    document = openapi.document()
    schema = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    valid = schema_accepts({**schema, "components": document["components"]}, body)

    assert accepted(body) is valid


def schema_accepts(schema: dict[str, Any], body: Any) -> bool:

    return bool(jsonschema.Draft202012Validator(schema).is_valid(body))


def accepted(body: Any) -> bool:
    try:
        parse(json.dumps(body).encode())
    except RefusedError:
        return False
    return True
