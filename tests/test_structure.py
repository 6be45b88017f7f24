"""The house: small files, few in a folder, and packages that say in one sentence what they are."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

import flake8_celery_tasks

PACKAGE = Path(flake8_celery_tasks.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = [path.parent for path in FILES if path.name == "__init__.py" and path.parent != PACKAGE]


def test_no_file_is_long():
    lengths = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8").count("\n") for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_no_folder_is_full():
    """Topics of rules may hold as many as there are."""
    held = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in FILES if path.name != "__init__.py")
    full = {name: number for name, number in held.items() if number > 10 and not name.startswith("rules/")}
    assert full == {}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_package_says_in_a_sentence_what_it_is(package):
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    sentence = " ".join(said.partition("\n\n")[0].split())
    assert sentence.endswith(".")
    assert ". " not in sentence


def test_the_type_checker_is_hardly_ever_overruled():
    ignored = [
        path.name for path in FILES for line in path.read_text(encoding="utf-8").splitlines() if _IGNORED in line
    ]
    assert len(ignored) <= 10, ignored


_IGNORED = "# type: " + "ignore["
