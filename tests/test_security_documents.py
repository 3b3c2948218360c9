"""Documents about security name tests; each of them exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
NAMED = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)*)`")


def names_in(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield f"{prefix}::{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield f"{prefix}::{node.name}"
            yield from names_in(node.body, f"{prefix}::{node.name}")


@pytest.mark.parametrize(
    "document", ["SECURITY.md", "docs/threat-model.md", "docs/asvs.md", "docs/attacks.md"]
)
def test_every_test_that_is_named_exists(document: str) -> None:
    missing = []
    for file, test in NAMED.findall((ROOT / document).read_text()):
        path = ROOT / file
        if not path.is_file() or (test and test not in set(names_in(ast.parse(path.read_text()).body))):
            missing.append(f"{file}{test}")
    assert missing == []


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED.findall((ROOT / "docs/threat-model.md").read_text())) > 40
