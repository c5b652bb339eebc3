"""The configuration of Alertmanager for one environment.

There is no receiver outside the stack: alerts go to the dashboards page's inbox. Waits are short, since a wall second
can be two minutes of world time.
"""

from __future__ import annotations

import yaml

from ontime.settings import Environment


def render(environment: Environment) -> str:
    """`alertmanager.yml` as text."""
    inbox = {"url": f"{environment.dashboards_url}/alerts", "send_resolved": True, "max_alerts": 100}
    configuration = {
        "global": {"resolve_timeout": "1m"},
        "route": {
            "receiver": "inbox",
            "group_by": ["alertname"],
            "group_wait": "5s",
            "group_interval": "15s",
            "repeat_interval": "1h",
        },
        "inhibit_rules": [
            # Without serving or the exporter, everything that they would say is a consequence.
            {
                "source_matchers": ['alertname = "ServingDown"'],
                "target_matchers": ['alertname =~ "NoTraffic|ChampionNotServed"'],
            },
            {
                "source_matchers": ['alertname = "ExporterDown"'],
                "target_matchers": ['alertname =~ "ComponentDown|ExporterErrors"'],
            },
        ],
        "receivers": [{"name": "inbox", "webhook_configs": [inbox]}],
    }
    text: str = yaml.safe_dump(configuration, sort_keys=False)
    return text
