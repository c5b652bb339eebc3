from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ontime.contract import contract_hash
from ontime.errors import ArtifactError, RegistryError, UnknownNameError
from ontime.registry import MODEL_NAME, RegistryReader, promotion

URL = "http://mlflow.test"
MODEL = b"the bytes of a model"
TAGS = {
    "onnx_sha256": hashlib.sha256(MODEL).hexdigest(),
    "contract_hash": contract_hash(),
    "trained_from": "2013-01-31",
    "trained_through": "2013-04-21",
    "rows": "71594",
}


def described(number: int = 3, **tags: str) -> dict[str, Any]:
    """MLflow's `model_version` message."""
    return {
        "name": MODEL_NAME,
        "version": str(number),
        "run_id": "run",
        "source": "mlflow-artifacts:/1/run/artifacts/model",
        "creation_timestamp": 1_700_000_000_000,
        "tags": [{"key": key, "value": value} for key, value in {**TAGS, **tags}.items()],
    }


def reader(answer: Callable[[httpx.Request], httpx.Response]) -> RegistryReader:
    return RegistryReader(URL, transport=httpx.MockTransport(answer))


def refusal(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "message": "because"})


def test_an_alias_names_a_version() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"name": MODEL_NAME, "alias": "champion"}
        return httpx.Response(200, json={"model_version": described(3)})

    found = reader(answer).alias("champion")

    assert found is not None
    assert (found.version, found.rows, found.trained_through) == (3, 71594, date(2013, 4, 21))


@pytest.mark.parametrize(("status", "code"), [(400, "INVALID_PARAMETER_VALUE"), (404, "RESOURCE_DOES_NOT_EXIST")])
def test_an_alias_that_is_not_set_is_none(status: int, code: str) -> None:
    assert reader(lambda _: refusal(status, code)).alias("champion") is None


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (httpx.Response(500, json={"error_code": "INTERNAL_ERROR"}), "answered 500"),
        (httpx.Response(503, text="busy"), "answered 503"),
        (httpx.Response(403, text="Invalid Host header"), "answered 403"),
        (httpx.Response(200, text="<html>"), "without JSON"),
        (httpx.Response(401, json={"error_code": "UNAUTHENTICATED", "message": "who?"}), "who"),
        (httpx.Response(200, json={"model_version": {"version": "three"}}), "not understood"),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error(response: httpx.Response, why: str) -> None:
    with pytest.raises(RegistryError, match=why):
        reader(lambda _: response).alias("champion")


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")])
def test_a_server_that_is_down_is_an_error_that_says_where(error: httpx.HTTPError) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(RegistryError, match=f"{URL} did not answer"):
        reader(answer).alias("champion")


def test_an_unknown_version_is_answered_with_the_known_ones() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("search"):
            return httpx.Response(200, json={"model_versions": [described(1), described(2)]})
        return refusal(404, "RESOURCE_DOES_NOT_EXIST")

    with pytest.raises(UnknownNameError, match="Known: 1, 2"):
        reader(answer).version(9)


def test_versions_come_newest_first_with_their_aliases_from_all_pages() -> None:
    pages = {"": ([1, 3], "next"), "next": ([2], "")}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("registered-models/get"):
            return httpx.Response(200, json={"registered_model": {"aliases": [{"alias": "champion", "version": "2"}]}})
        numbers, token = pages[request.url.params.get("page_token", "")]
        return httpx.Response(200, json={"model_versions": [described(n) for n in numbers], "next_page_token": token})

    found = reader(answer).versions()

    assert [(v.version, v.aliases) for v in found] == [(3, ()), (2, ("champion",)), (1, ())]


@pytest.mark.parametrize(
    ("tags", "read", "why"),
    [
        ({"rows": "many"}, "rows", "rows='many'"),
        ({"trained_through": "spring"}, "trained_through", "trained_through='spring'"),
    ],
)
def test_tags_that_make_no_sense_name_themselves(tags: dict[str, str], read: str, why: str) -> None:
    found = reader(lambda _: httpx.Response(200, json={"model_version": described(3, **tags)})).version(3)

    with pytest.raises(RegistryError, match=why):
        getattr(found, read)


class Files:
    """A registry with one version and its file; counts downloads."""

    def __init__(self, content: bytes = MODEL, **tags: str) -> None:
        self.content, self.tags, self.downloads = content, tags, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/model-versions/get-artifact":
            self.downloads += 1
            assert request.url.params["path"] == "model.onnx"
            return httpx.Response(200, content=self.content)
        return httpx.Response(200, json={"model_version": described(3, **self.tags)})


def test_a_download_is_verified_and_made_once(tmp_path: Path) -> None:
    files = Files()
    registry = reader(files)

    first = registry.download(registry.version(3), tmp_path)
    second = registry.download(registry.version(3), tmp_path)

    assert first == second
    assert first.read_bytes() == MODEL
    assert files.downloads == 1


def test_a_damaged_copy_is_fetched_again(tmp_path: Path) -> None:
    files = Files()
    registry = reader(files)
    registry.download(registry.version(3), tmp_path).write_bytes(b"half of it")

    path = registry.download(registry.version(3), tmp_path)

    assert path.read_bytes() == MODEL
    assert files.downloads == 2


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (Files(content=b"other bytes"), "onnx_sha256 says"),
        (Files(contract_hash="0123456789abcdef"), "trained on feature contract '0123456789abcdef'"),
    ],
)
def test_what_the_tags_do_not_vouch_for_is_not_put_in_place(files: Files, why: str, tmp_path: Path) -> None:
    registry = reader(files)

    with pytest.raises(ArtifactError, match=why):
        registry.download(registry.version(3), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_is_an_artifact_error(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/model-versions/get-artifact":
            return httpx.Response(500, text="No such file")
        return httpx.Response(200, json={"model_version": described(3)})

    registry = reader(answer)

    with pytest.raises(ArtifactError, match=r"no file 'model\.onnx'"):
        registry.download(registry.version(3), tmp_path)


class Aliases:
    """MLflow's alias endpoints, over a dict."""

    def __init__(self, **aliases: int) -> None:
        self.aliases = aliases

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            body = json.loads(request.content)
            self.aliases[body["alias"]] = int(body["version"])
            return httpx.Response(200, json={})
        rows = [{"alias": alias, "version": str(number)} for alias, number in self.aliases.items()]
        return httpx.Response(200, json={"registered_model": {"aliases": rows}})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[Aliases], None]:
    """Makes every client of the process talk to `Aliases`."""

    def serve(aliases: Aliases) -> None:
        real = httpx.Client.__init__

        def started(self: httpx.Client, **options: Any) -> None:
            real(self, **{**options, "transport": httpx.MockTransport(aliases)})

        monkeypatch.setattr(httpx.Client, "__init__", started)

    return serve


def test_a_rollback_makes_the_previous_version_champion(served: Callable[[Aliases], None]) -> None:
    registry = Aliases(champion=5, previous=4)
    served(registry)

    assert promotion.rollback(URL) == 4
    assert registry.aliases == {"champion": 4, "previous": 4}


@pytest.mark.parametrize("aliases", [{"champion": 5}, {"champion": 5, "previous": 5}])
def test_a_rollback_to_nothing_is_refused(served: Callable[[Aliases], None], aliases: dict[str, int]) -> None:
    registry = Aliases(**aliases)
    served(registry)

    with pytest.raises(RegistryError, match="cannot go back"):
        promotion.rollback(URL)

    assert registry.aliases == aliases
