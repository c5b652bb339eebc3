"""`python -m monitoring.dashboards`: serves the page."""

from __future__ import annotations

import sys

import uvicorn

from monitoring.dashboards.app import application, port
from ontime.errors import OntimeError
from ontime.settings import environment


def main() -> int:
    try:
        place = environment()
    except OntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    uvicorn.run(application(place), host=place.host, port=port(place), access_log=False, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
