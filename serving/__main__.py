"""`python -m serving`: becomes `bentoml serve` at the address of `ONTIME_SERVING_URL`."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

from ontime.settings import ROOT, environment


def main() -> None:
    here = environment()
    home = here.state / "bentoml"
    home.mkdir(parents=True, exist_ok=True)
    variables = {
        **os.environ,
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "DO_NOT_TRACK": "true",
        "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
    }
    port = urlsplit(here.serving_url).port or 80
    command = [sys.executable, "-m", "bentoml", "serve", "serving.service:OntimeServing"]
    command += ["--host", here.host, "--port", str(port), "--working-dir", str(ROOT)]
    os.execve(sys.executable, command, variables)  # noqa: S606


if __name__ == "__main__":
    main()
