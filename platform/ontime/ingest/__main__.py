"""`python -m ontime.ingest`: runs ingest at the address of `ONTIME_INGEST_URL`."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import uvicorn

from ontime.ingest.service import create_app
from ontime.settings import behaviour, environment


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    address = urlsplit(environment().ingest_url)
    app = create_app(environment(), behaviour())
    uvicorn.run(app, host=environment().host, port=address.port or 80, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
