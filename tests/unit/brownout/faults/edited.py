"""Files of the platform as a fault's commits leave them, and modules made of such a file."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from brownout.faults import get
from brownout.faults.parameters import Parameters
from brownout.settings import ROOT


def edited_text(fault: str, parameters: Parameters, path: str) -> str:
    """The file's text after every culprit commit of the fault."""
    text = (ROOT / path).read_text()
    for commit in get(fault).commits(parameters):
        for edit in commit.edits:
            text = edit.applied(text) if edit.path == path else text
    return text


def edited_module(fault: str, parameters: Parameters, path: str, directory: Path) -> ModuleType:
    """The module that the edited file is; what it imports is the tree's own."""
    copy = directory / path.replace("/", "_")
    copy.write_text(edited_text(fault, parameters, path))
    spec = spec_from_file_location(f"edited_{copy.stem}", copy)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
