"""Third-party images are named once; everything else is ours."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ontime.runtime.kind import images
from ontime.runtime.kind.manifests import image_names

ROOT = Path(__file__).resolve().parents[2]


def test_every_image_comes_from_the_one_list_or_is_ours(manifests: str) -> None:
    listed = set(images.listed(ROOT).values())
    for name in image_names(manifests):
        repository = images.split(name)[0]
        ours = repository.removeprefix("ontime/") in images.TARGETS or repository == "brownout/proctor"
        assert name in listed or ours, name


def test_no_manifest_names_a_third_party_image_by_itself() -> None:
    named = set()
    for path in sorted((ROOT / "k8s").rglob("*.yaml")):
        for match in re.finditer(r"^\s*image: (\S+)$", path.read_text(), re.MULTILINE):
            named.add(match[1])

    assert {n for n in named if not n.startswith("ontime/")} == set(images.listed(ROOT)) & named


def test_the_list_can_be_opened_where_it_is_documented() -> None:
    assert (ROOT / "k8s" / "images.env").resolve() == (ROOT / "k8s" / "images" / "images.env").resolve()


def test_each_listed_image_has_a_place_to_go() -> None:
    told = yaml.safe_load((ROOT / "k8s" / "images" / "kustomization.yaml").read_text())
    sources = {replacement["source"]["fieldPath"].removeprefix("data.") for replacement in told["replacements"]}

    assert sources == set(images.listed(ROOT))


def test_every_target_of_ours_is_in_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))

    assert set(images.TARGETS) <= targets


def test_no_image_gets_more_of_the_tree_than_a_release() -> None:
    """Neither by the Dockerfile nor through what it may see."""
    text = (ROOT / "Dockerfile").read_text()
    seen = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert "# syntax=" not in text
    assert {path.split("/")[0] for path in seen} == {*images.EXPORTED, "uv.lock", "scripts"}
