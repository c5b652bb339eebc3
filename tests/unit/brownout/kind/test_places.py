from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

import pytest
import yaml

from brownout.kind import places
from brownout.settings import ROOT, Harness
from ontime.settings import Environment

FURTHER = {name.removeprefix("BROWNOUT_").lower(): value for name, value in places.FURTHER.items()}
GUIDE = (ROOT / "interview" / "guide" / "kubernetes.md").read_text()


@pytest.mark.parametrize(("namespace", "desk"), [("ontime", "brownout"), ("second", "second-desk")])
def test_each_platform_has_a_desk_of_its_own(namespace: str, desk: str) -> None:
    assert places.desk_of(Environment(namespace=namespace)) == desk


def test_what_leads_there_leads_to_every_page_that_is_named() -> None:
    ours = Harness(**FURTHER)
    said = places.leads(Environment(namespace="second"), ours)
    ports = {int(port) for command in said for port in re.findall(r" (\d+)(?=[: ]|$)", command)}

    assert {urlsplit(url).port for _, url in places.pages(ours)} == ports
    assert [command.split()[2] for command in said] == ["second-desk", "second"]


def test_the_pages_of_a_further_namespace_share_no_port_with_the_first() -> None:
    led = yaml.safe_load((ROOT / "k8s" / "kind.yaml").read_text())["nodes"][0]["extraPortMappings"]

    assert led
    assert not {m["hostPort"] for m in led} & {urlsplit(url).port for _, url in places.pages(Harness(**FURTHER))}


def test_the_candidates_way_in_is_led_to_where_the_workstation_listens() -> None:
    manifest = (ROOT / "k8s" / "components" / "workstation" / "workstation.yaml").read_text()
    [service] = [d for d in yaml.safe_load_all(manifest) if d["kind"] == "Service"]
    [way_in] = [p["port"] for p in service["spec"]["ports"] if p["name"] == "http"]

    assert way_in == places.WAY_IN


def test_the_first_namespace_has_its_ports() -> None:
    assert places.leads(Environment(), Harness()) == []


def test_the_guide_says_what_up_says() -> None:
    said = {shlex.join(shlex.split(line, comments=True)) for line in GUIDE.splitlines() if "port-forward" in line}

    assert said == set(places.leads(Environment(namespace="second"), Harness(**FURTHER)))
