"""One tree becomes scopes, bindings and the calls in them."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.workspace.imports import resolve_relative


@pytest.mark.parametrize(
    ("level", "module", "expected"),
    [
        (0, "a.b", "a.b"),
        (1, "x", "shop.orders.x"),
        (1, None, "shop.orders"),
        (2, "x", "shop.x"),
        (3, "x", None),
        (9, "x", None),
    ],
)
def test_relative_imports(level, module, expected):
    assert resolve_relative("shop.orders", level, module) == expected
    assert resolve_relative("", 1, "x") is None
