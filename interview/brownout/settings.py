"""Where the harness keeps things and listens; only from `BROWNOUT_*` environment variables."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ontime.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
"""The interviewer's checkout."""


class Harness(BaseSettings):
    """Addresses and paths of the interviewer's side. What is under `state` and `cache` only the invoker may read."""

    model_config = SettingsConfigDict(env_prefix="BROWNOUT_", frozen=True, extra="ignore")

    state: Path = Field(default=Path.home() / ".local/state/brownout", description="Directory of all harness state.")
    cache: Path = Field(
        default_factory=lambda known: known["state"],
        description="Directory of what is made once of the flights: events and models. Default: the state's.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the harness's servers bind to.")
    proctor_url: str = Field(default="http://127.0.0.1:7201", description="Base URL of the proctor.")
    console_url: str = Field(
        default="http://console.localhost:7206",
        description="Base URL of the console; a host name that nothing else answers to, so that its cookie is its own.",
    )
    metrics_url: str = Field(default="http://127.0.0.1:7202", description="Base URL of the proctor's metrics.")
    prometheus_url: str = Field(
        default="http://127.0.0.1:7203", description="Base URL of the interviewer's Prometheus."
    )
    way_in_url: str = Field(default="http://127.0.0.1:7204", description="The candidate's one port.")
    world_url: str = Field(default="http://127.0.0.1:7205", description="Base URL of the world's control.")
    speed: float = Field(
        default=120.0, gt=0, description="World seconds per wall second by day; nights pass 10x faster."
    )
    prove_seconds: float = Field(
        default=1200.0, gt=0, description="Wall seconds that the tests may spend on proving faults; the rest is said."
    )
    packs: str = Field(default="", description="Directories of further packs, separated by ':'.")
    secrecy: bool = Field(default=True, description="Run platform and candidate as a user of their own where possible.")

    @property
    def data(self) -> Path:
        return self.cache / "data"

    @property
    def baselines(self) -> Path:
        """Not in the cache: a snapshot holds paths of the one platform's state that it was taken from."""
        return self.state / "baselines"

    @property
    def models(self) -> Path:
        """Models that injections need, trained once."""
        return self.cache / "models"

    @property
    def world(self) -> Path:
        return self.state / "world"

    @property
    def record(self) -> Path:
        return self.world / "record.db"

    @property
    def interviews(self) -> Path:
        return self.state / "interviews"

    @property
    def logs(self) -> Path:
        return self.state / "log"

    @property
    def run(self) -> Path:
        return self.state / "run"


@lru_cache(maxsize=1)
def harness() -> Harness:
    """This process's harness settings. Raises `ConfigError` naming key, value and expectation."""
    try:
        return Harness()
    except ValidationError as error:
        first = error.errors()[0]
        key = "BROWNOUT_" + ".".join(str(part) for part in first["loc"]).upper()
        raise ConfigError.of(key, first["input"], first["msg"]) from error
