"""What a file imports, by a look at its text."""

from __future__ import annotations

from flake8_celery_tasks.workspace import imports

TEXT = b"""\
import os, shop.jobs
import shop.api as api
from . import near
from .deco import (
    job as work,  # ours, and none of theirs
    late,
)
from shop.more import *
if True:
    from six import moves
"""


def test_names_that_are_bound():
    assert list(imports.bound(TEXT)) == [
        ("os", {"os"}),
        ("shop", {"shop"}),
        ("shop", {"api"}),
        ("", {"near"}),
        ("", {"work", "late"}),
        ("shop", {"*"}),
        ("six", {"moves"}),
    ]


def test_statements():
    found = [TEXT[start:end].strip().partition(b" import ")[0] for start, end, _ in imports.statements(TEXT)]
    assert found[2:5] == [b"from .", b"from .deco", b"from shop.more"]
