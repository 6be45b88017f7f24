"""What a file imports, by a look at its text."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.workspace import imports
from flake8_celery_tasks.workspace.layout import Place

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
    found = [TEXT[start:end].strip().partition(b" import ")[0] for start, end, *_ in imports.statements(TEXT)]
    assert found[2:5] == [b"from .", b"from .deco", b"from shop.more"]


PLACE = Place("/shop/orders/views.py", "shop/orders/views.py", "shop.orders.views", "/", is_package=False, certain=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from .jobs import bill, send as s", ["shop.orders.jobs", "shop.orders.jobs.bill", "shop.orders.jobs.send"]),
        ("from . import jobs", ["shop.orders", "shop.orders.jobs"]),
        ("if True:\n\tfrom ..more import (\n\t\tbill,\n\t)", ["shop.more", "shop.more.bill"]),
        ("from shop.jobs import bill", []),
        ("# from . import jobs", []),
        ("x = 'from . import jobs'", []),
        ("yield from .5", []),
        ("from ....above import bill", []),
        (" " * 199 + "from . import jobs", ["shop.orders", "shop.orders.jobs"]),
        ("import six\n" + " " * 150 + "from . import jobs", ["shop.orders", "shop.orders.jobs"]),
        (" " * 300 + "from . import jobs", ["shop.orders", "shop.orders.jobs"]),
    ],
)
def test_names_imported_relatively(text, expected):
    found = list(imports.names_imported_relatively(PLACE, text.encode()))
    assert [name.rstrip(".") for name in found if not name.endswith(".")] == expected
    assert set(found) <= set(imports.names_imported(PLACE, text.encode()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import six; from shop import job", [("six", {"six"}), ("shop", {"job"})]),
        ("if True: import six as s", [("six", {"s"})]),
        ("from shop \\\n    import job, \\\n    send", [("shop", {"job", "send"})]),
        (
            "from shop \\\r\n    import job\r\nimport six\rimport os",
            [("shop", {"job"}), ("six", {"six"}), ("os", {"os"})],
        ),
        ("from.jobs import(job)", [("", {"job"})]),
        ("from shop import (  # :)\n    # import six\n    job,\n)", [("shop", {"job"})]),
        ("from shop import (job", [("shop", {"job"})]),
        ("from shop import a\nx = 'import import'; import six", [("shop", {"a"}), ("six", {"six"})]),
        ("\x0cimport six\tas\ts", [("six", {"s"})]),
        ("x = 1 # ; import six\nreimport = 1\nimport_ = 2\ny.import_(3)", []),
    ],
)
def test_how_imports_are_written(text, expected):
    assert list(imports.bound(text.encode())) == expected
