"""Annotations of GitHub."""

from __future__ import annotations

import sys

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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_path_is_told_plainly(shop, rendered):
    write(shop, {"a\x1b[31m\n/tasks.py": PROJECT["shop/tasks.py"]})
    assert rendered("github", "a\x1b[31m\n").startswith("::error file=a\\x1b[31m\\n/tasks.py,line=")


def test_github_of_what_has_no_place(shop, rendered):
    (shop / "shop/none.py").symlink_to("nowhere")
    line = rendered("github", "--select=E9", "shop/none.py")
    assert line.startswith("::error file=shop/none.py,line=1,col=1,title=E902::E902 ")


def test_github_of_several_lines(shop, rendered):
    """GitHub takes a last column only where the last line is the first."""
    text = "from celery import shared_task\n\n\n@shared_task(\n    rate_limit=1,\n)\ndef a(): ...\n"
    write(shop, {"shop/views.py": text})
    (line,) = rendered("github", "--select=CLY101", "shop/views.py").splitlines()
    assert line.startswith("::error file=shop/views.py,line=4,endLine=6,col=2,title=CLY101 ")
