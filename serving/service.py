"""The BentoML service. BentoML runs the workers; `serving.app` answers.

BentoML's own metrics, access log and tracing are off: they would cost more than the whole prediction, and serving has
metrics of its own that are right with several workers.
"""

from __future__ import annotations

import bentoml
from ontime.settings import environment

from serving.app import create_app
from serving.worker import from_settings

REQUEST_SECONDS = 30


@bentoml.service(
    name="ontime-serving",
    workers=environment().serving_workers,
    traffic={"timeout": REQUEST_SECONDS},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
)
@bentoml.asgi_app(create_app(from_settings))
class OntimeServing:
    """Will this flight arrive more than 15 minutes late?"""
