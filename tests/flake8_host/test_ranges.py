"""Where findings are in a text."""

from __future__ import annotations

import os
from argparse import Namespace

import pytest

from flake8_celery_tasks.engine.findings import Finding
from flake8_celery_tasks.flake8_host.configuration import configuration_for
from flake8_celery_tasks.flake8_host.ranges import places, ranges
from flake8_celery_tasks.workspace.source import Source


@pytest.mark.parametrize(
    ("text", "line", "column", "meant"),
    [
        ("a.delay(1)\n", 1, 0, "a.delay(1)"),
        ("x = a.delay(\n  1)\n", 1, 4, "a.delay(\n  1)"),
        ("@a\ndef b(): ...\n", 2, 4, "b"),
        ("f(a=1, b=2)\n", 1, 7, "b=2"),
        ("a < b\n", 1, 0, "a"),
        ("from a import b, c\n", 1, 14, "b"),
        ("try: ...\nexcept A: ...\n", 2, 0, "except A: ..."),
        ("raise A\n", 1, 0, "raise A"),
        ("a = 1  # x\n", 1, 7, "# x"),
        ("名 = é(1)\n", 1, 4, "é(1)"),
        ("(\n", 1, 0, "("),
        ("", 1, 0, ""),
    ],
)
def test_a_range(text, line, column, meant):
    source = Source.of(text)
    ((start, end),) = ranges(source, [(line, column, "CLY101")])
    assert text[start:end] == meant


def test_what_can_not_be_parsed():
    source = Source.of("def (:\nx\n")
    assert list(ranges(source, [(1, 4, "E999"), (9, 9, "E999"), (0, 0, "E902")])) == [(4, 6), (9, 9), (0, 6)]


def test_places(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfa.delay()\r\n")
    given = configuration_for(Namespace(config=None, append_config=[], isolated=True), ["."]).options
    one = Finding(str(path), 1, 1, "CLY101", "", "")
    gone = one._replace(path=str(tmp_path / "gone.py"))
    others = [gone, one._replace(line=0)]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.py")
        others.append(one._replace(path=str(tmp_path / "pipe.py")))
    found = places([one, *others], given)
    assert list(found) == [one]
    assert found[one].source.text[found[one].start : found[one].end] == "a.delay()"
