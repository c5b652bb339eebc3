"""Moves the aliases: `champion` only through the gates, and back."""

from __future__ import annotations

import logging
from datetime import datetime

import httpx

from ontime.errors import GateRefusedError, RegistryError
from ontime.gates import GateResult, check_version, to_json
from ontime.registry.model import CHAMPION, MODEL_NAME, PREVIOUS
from ontime.registry.reader import TIMEOUT, RegistryReader
from ontime.settings import Behaviour
from ontime.warehouse import Warehouse

log = logging.getLogger(__name__)


def promote(
    version: int, *, url: str, warehouse: Warehouse, behaviour: Behaviour, present: datetime
) -> list[GateResult]:
    """Runs the gates on `version` and writes their verdicts to its `gates` tag; when all pass, makes it champion.

    The old champion becomes `previous`. Raises `GateRefusedError` naming each gate that refused and by how much, and
    what `ontime.gates.check_version` raises.
    """
    with RegistryReader(url) as reader:
        results = check_version(version, reader=reader, warehouse=warehouse, behaviour=behaviour, present=present)
        old = reader.aliases().get(CHAMPION)
    for result in results:
        log.log(logging.INFO if result.passed else logging.WARNING, "%s", result)
    with _Writer(url) as write:
        write.tag(version, "gates", to_json(results))
        refused = [result for result in results if not result.passed]
        if refused:
            raise GateRefusedError(
                f"Version {version} was refused by {len(refused)} of {len(results)} gates. "
                + " ".join(f"[{result}]" for result in refused)
            )
        if old is not None and old != version:
            write.alias(PREVIOUS, old)
        write.alias(CHAMPION, version)
    log.info("version %d is %s now; before it was %s", version, CHAMPION, old)
    return results


def rollback(url: str) -> int:
    """Makes `previous` the champion, without gates: it has been champion before.

    `previous` stays where it is, so that the version rolled back from is scored by nobody. Returns the champion's
    version. Raises `RegistryError` when there is nothing to go back to.
    """
    with RegistryReader(url) as reader:
        aliases = reader.aliases()
    old, back = aliases.get(CHAMPION), aliases.get(PREVIOUS)
    if back is None or back == old:
        held = "no version" if back is None else f"version {back}, which is {CHAMPION} already"
        raise RegistryError(f"{MODEL_NAME} cannot go back: {PREVIOUS!r} names {held}. Promote a version instead.")
    with _Writer(url) as write:
        write.alias(CHAMPION, back)
    log.info("rolled back from version %s to %d", old, back)
    return back


class _Writer:
    """The two writes that promotion needs, over MLflow's REST API."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = httpx.Client(base_url=self._url, timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def alias(self, name: str, version: int) -> None:
        self._post("registered-models/alias", alias=name, version=str(version))

    def tag(self, version: int, key: str, value: str) -> None:
        self._post("model-versions/set-tag", version=str(version), key=key, value=value)

    def _post(self, path: str, **body: str) -> None:
        try:
            response = self._client.post(f"/api/2.0/mlflow/{path}", json={"name": MODEL_NAME, **body})
        except httpx.HTTPError as error:
            raise RegistryError(f"MLflow at {self._url} did not answer ({type(error).__name__}: {error}).") from error
        if response.status_code != httpx.codes.OK:
            raise RegistryError(f"MLflow refused {path} {body} ({response.status_code}): {response.text[:200]}")
