"""Files that can't be read or parsed."""

from __future__ import annotations

import pytest

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
