"""Scopes and places."""

from __future__ import annotations

import ast

from flake8_celery_tasks.binding.binder import collect


def test_sites_know_what_is_around(tmp_path):
    tree = ast.parse("def f():\n    try:\n        g(lambda: h())\n    finally:\n        pass\n")
    found = collect(tree)
    inner = next(site for call, site in found.calls if call.func.id == "h")
    assert inner.function() is tree.body[0]
    assert inner.in_function()
    assert [site.kind for site in inner.chain()] == ["lambda", "argument", "try", "function", "module"]
    assert collect(ast.parse("f()")).calls[0][1].function() is None
