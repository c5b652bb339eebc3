"""Brings front-end packages from npm into the tree, exactly as a manifest pins them, and checks those that are there.

    scripts/vendor.py interview/brownout/pages/static/vendor            # fetch again
    scripts/vendor.py --check interview/brownout/pages/static/vendor    # only compare; needs no network

The directory's `manifest.json` names each package with its version, its licence, the SHA-512 of its archive as npm
gives it, and the files taken from it with their SHA-256. Exit code 1 with one line a difference.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def load(directory: Path) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = json.loads((directory / MANIFEST).read_text())["packages"]
    return packages


def differences(directory: Path) -> Iterator[str]:
    """What is missing, changed, or there without being named."""
    named = {MANIFEST}
    for package in load(directory):
        if not any("LICENSE" in file["to"] for file in package["files"]):
            yield f"{package['name']}: its licence is not among its files"
        for file in package["files"]:
            named.add(file["to"])
            path = directory / file["to"]
            if not path.is_file():
                yield f"{path} is missing"
            elif hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
                yield f"{path} is not the pinned file of {package['name']} {package['version']}"
    for path in sorted(directory.iterdir()):
        if path.name not in named:
            yield f"{path} is in no package of the manifest"


def archive(package: dict[str, Any], place: Path) -> Path:
    """The package's archive as npm delivers it. Raises `SystemExit` when it is not the pinned one."""
    told = subprocess.run(
        ["npm", "pack", "--silent", f"{package['name']}@{package['version']}", "--pack-destination", str(place)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    path = place / told.split()[-1]
    found = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if found != package["integrity"]:
        raise SystemExit(f"{package['name']} {package['version']}: the archive is {found}, not {package['integrity']}")
    return path


def fetch(directory: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for package in load(directory):
            with tarfile.open(archive(package, Path(folder))) as packed:
                for file in package["files"]:
                    member = packed.extractfile(f"package/{file['from']}")
                    if member is None:
                        raise SystemExit(f"{package['name']}: there is no {file['from']} in its archive")
                    (directory / file["to"]).write_bytes(member.read())


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true", help="only compare what is there with the manifest")
    options.add_argument("directory", type=Path, nargs="+")
    given = options.parse_args()
    wrong: list[str] = []
    for directory in given.directory:
        if not given.check:
            fetch(directory)
        wrong += differences(directory)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
