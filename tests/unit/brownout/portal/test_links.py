from __future__ import annotations

import pytest

from brownout.portal import links
from brownout.settings import Harness
from brownout.way_in import pages
from ontime.settings import Environment


@pytest.mark.parametrize(("prefix", "root"), [("/oncall", "/"), ("/user/ada/oncall", "/user/ada/"), ("/oncall/", "/")])
def test_below_the_one_port_pages_are_siblings(prefix: str, root: str) -> None:
    found = {link.name: link.url for link in links.below(prefix)}

    assert found["airflow"] == f"{root}airflow/"
    assert found["lab"] == f"{root}lab"
    assert all(url.startswith(root) for url in found.values())


def test_every_link_below_the_one_port_is_one_of_its_pages() -> None:
    known = {page.name for page in pages(Environment(), Harness(), "code")} | {"lab"}

    assert {link.url.split("/")[1] for link in links.below("/oncall")} <= known


def test_direct_links_lead_to_the_pages_themselves() -> None:
    here = Environment(prometheus_url="http://10.0.0.1:9/prometheus", airflow_url="http://10.0.0.1:8")
    found = {link.name: link.url for link in links.direct(here, Harness())}

    assert found["prometheus"] == "http://10.0.0.1:9/prometheus/graph"
    assert found["airflow"] == "http://10.0.0.1:8/airflow/"
    assert found["reports"] == f"{here.dashboards_url}/reports/"
    assert found["lab"] == f"{Harness().way_in_url}/lab"
