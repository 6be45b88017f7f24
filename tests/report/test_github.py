"""Annotations of GitHub."""

from __future__ import annotations

import pytest

from tests.helpers import PROJECT, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_github(shop, rendered):
    lines = rendered("github", "--select=CLY,CLY903").splitlines()
    assert any(
        line.startswith(
            "::error file=shop/tasks.py,line=4,endLine=4,endColumn=13,col=2,title=CLY101 missing-task-name::CLY101 "
        )
        for line in lines
    )
    assert any(line.startswith("::warning file=shop/tasks.py") for line in lines)


def test_github_escapes(shop, rendered):
    write(shop, {"50%,a:b/tasks.py": PROJECT["shop/tasks.py"]})
    assert rendered("github", "50%,a:b").startswith("::error file=50%25%2Ca%3Ab/tasks.py,line=")
