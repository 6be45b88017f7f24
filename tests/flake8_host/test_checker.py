"""Files that can't be read or parsed."""

from __future__ import annotations

import ast
from argparse import Namespace

import pytest

from flake8_celery_tasks.flake8_host.checker import _Checker
from flake8_celery_tasks.flake8_host.configuration import configuration_for
from tests.helpers import ALL, flake8, places

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.mark.parametrize(
    "text",
    [
        "from celery import shared_task\ndef (:\n",
        "import celery\n  x\n",
        "import celery\nx = '''\n",
        "import celery\n(((\n",
    ],
)
def test_a_file_that_can_not_be_parsed(shop, check, text):
    (shop / "shop/broken.py").write_text(text)
    broken = [line for line in check() if "E9" in line]
    assert broken == flake8("--select=E9")
    assert len(broken) == 1
    assert check("--select=CLY") == check("--select=CLY,E999") == flake8("--select=CLY,E999")
    assert places(check("--select=CLY", "--extend-ignore=E999")) == ALL


def test_a_broken_file_without_celery_is_not_looked_at(shop, check):
    (shop / "shop/broken.py").write_text("def (:\n")
    assert places(check()) == ALL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"import celery\0\n", "null"),
        (b"import celery\nx = " + b"(" * 3000 + b")" * 3000, ""),
        (b"import celery\n" + b"-" * 100_000 + b"1\n", ""),
    ],
)
def test_a_file_that_the_parser_gives_up_on(shop, check, text, said):
    (shop / "shop/broken.py").write_bytes(text)
    line = next(line for line in check() if "E999" in line)
    assert line.startswith("./shop/broken.py:")
    assert said in line


def test_a_file_whose_encoding_is_none_of_texts(shop, check):
    """flake8 itself ends with a LookupError there."""
    (shop / "shop/turned.py").write_text("# coding: rot13\nfrom celery import shared_task\n")
    lines = check()
    assert lines[-2].startswith("./shop/turned.py:0:1: E902 LookupError: 'rot13' is not a text encoding")
    assert places(lines) == [*ALL[:3], "./shop/turned.py:0:1:", ALL[3]]


def test_a_file_that_can_not_be_read(shop, check):
    (shop / "shop/gone.py").symlink_to(shop / "nowhere.py")
    lines = check("shop/gone.py")
    assert lines == flake8("--select=E9", "shop/gone.py")
    assert places(lines) == ["shop/gone.py:0:1:"]


LAYOUT = '''"""Text.

noqa
"""
import os; a = """
x"""; b = 1  # noqa

if a: c = """noqa
"""
else:
    d = 1 + \\
        2  # noqa

    e = (
        1,  # noqa
        2,
    )

@f(
    1
)
class G:
    """h

    noqa"""
    i = 1  # noqa
    j = 1

    def k(self):
        try:
            l = 1
        except M:
            n = 1  # noqa
        finally: o = 1
        p = 1; q = """
        noqa"""

    r = 1
x = 1 ; \\

y = 1
'''


def test_no_comment_that_silences_is_overlooked(tmp_path):
    """flake8 looks for it in a logical line; it is enough to look in the statement."""
    (tmp_path / "a.py").write_text(LAYOUT)
    given = configuration_for(Namespace(config=None, append_config=[], isolated=True), ["."])
    checker = _Checker(str(tmp_path / "a.py"), given)
    checker.tree = ast.parse(LAYOUT)
    lines = range(1, LAYOUT.count("\n") + 1)
    silenced = {line for line in lines if "noqa" in checker.processor.noqa_line_for(line)}
    assert silenced <= {line for line in lines if checker.is_silenced(line)}
    assert not checker.is_silenced(LAYOUT[: LAYOUT.index("r = 1")].count("\n") + 1)


def test_no_file_is_parsed_twice(shop, check, monkeypatch):
    parsed, usual = [], ast.parse
    monkeypatch.setattr(ast, "parse", lambda text, *args: parsed.append(text) or usual(text, *args))
    assert places(check()) == ALL
    texts = [text.decode() if isinstance(text, bytes) else text for text in parsed]
    assert len(texts) == len(set(texts)) > 2
