"""Readers of lists of requirements, `setup.cfg`, `setup.py`, and the YAML of Conda."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.celery_model.pins import text
from flake8_celery_tasks.celery_model.pins.requirement import Include, Mention


def asides(found):
    return [(mention.spec, mention.line, mention.aside) for mention in found]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("amqp==5.1\ncelery[redis]==5.2.7  # old\n", [Mention("==5.2.7", 2)]),
        ("# celery==5.4\n  # celery==5.4\n#celery\n", []),
        ("celery==5.4#egg\n", [Mention("==5.4#egg", 1)]),
        ("celery==5.2.7 --hash=sha256:1 --hash=sha256:2", [Mention("==5.2.7", 1)]),
        ("celery==5.2.7\t--hash=sha256:1", [Mention("==5.2.7", 1)]),
        (
            "django==4.2 \\\n    --hash=sha256:1\ncelery==5.2.7 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n",
            [Mention("==5.2.7", 3)],
        ),
        ("celery \\\n  >=5 \\\n  ,<6", [Mention(">=5   ,<6", 1)]),
        ("# a comment \\\ncelery==5.2", [Mention("==5.2", 2)]),
        ("celery==5.2 \\", [Mention("==5.2", 1)]),
        ("  celery == 5.2", [Mention("== 5.2", 1)]),
        ("celery==5.2; python_version < '3'", [Mention("==5.2", 1, "python_version < '3'")]),
        (
            "-e git+https://a.org/celery/celery.git@v5.0#egg=celery",
            [Mention("@git+https://a.org/celery/celery.git@v5.0#egg=celery", 1)],
        ),
        ("--editable=git+https://a.org/celery.git@v5.0", [Mention("@git+https://a.org/celery.git@v5.0", 1)]),
        ("-e .\n-e ./celery_ext\n--index-url https://a.org/celery\n-i https://a.org/celery\n", []),
        ("-r base.txt", [Include("base.txt")]),
        ("-rbase.txt  # and more", [Include("base.txt")]),
        ("--requirement=base.txt", [Include("base.txt")]),
        ("--requirement base.txt", [Include("base.txt")]),
        ("-c ../constraints.txt", [Include("../constraints.txt")]),
        ('-c "a b.txt"', [Include("a b.txt")]),
        ("--constraint c.txt\ncelery", [Include("c.txt"), Mention("", 2)]),
        ("-r https://a.org/celery.txt\n-r\n-r   # celery", []),
        ("celery-types==5.4\ndjango-celery==5.4\nflower==2", []),
        ("celery==5.2\r\nkombu==5\r\n", [Mention("==5.2", 1)]),
        ("", []),
    ],
)
def test_requirements(given, found):
    assert list(text.requirements(given)) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("dependencies:\n  - celery=5.2\n", [Mention("=5.2", 2)]),
        ("- celery=5.2.7=pyhd8ed1ab_0", [Mention("=5.2.7", 1)]),
        ("- celery==5.2.7", [Mention("==5.2.7", 1)]),
        ("- celery==5.2.7=py_0", [Mention("==5.2.7", 1)]),
        ("- celery = 5.2.*", [Mention("= 5.2.*", 1)]),
        ("- celery 5.2.7", [Mention("5.2.7", 1)]),
        ("- celery 5.2.7 py_0", [Mention("5.2.7", 1)]),
        ("- celery >=5.2,<5.3", [Mention(">=5.2,<5.3", 1)]),
        ("- conda-forge::celery=5.2  # old", [Mention("=5.2", 1)]),
        ("- 'conda-forge::celery>=5.2'", [Mention(">=5.2", 1)]),
        ("- celery", [Mention("", 1)]),
        (
            "- pip:\n    - celery[redis]==5.2.7\n    - -r requirements.txt\n",
            [Mention("==5.2.7", 2), Include("requirements.txt")],
        ),
        ("- pip:\n    - -e ./celery", []),
        ("name: celery\nchannels: [celery]\n# - celery=5\n- celery-types=5\n- redis=4", []),
        ("- celery=" + "5" * 2000, []),
    ],
)
def test_conda(given, found):
    assert list(text.conda(given)) == found


CONDA_LOCK = """\
version: 1
package:
- name: amqp
  version: 5.3.1
  dependencies:
    vine: '>=5'
- name: celery
  version: 5.4.0
  manager: conda
  category: main
  url: https://example.org/celery-9.9
- name: celery
  version: '5.3.6'
  category: dev
"""
PIXI_LOCK = """\
packages:
- kind: pypi
  name: celery
  version: 5.3.6
- conda: https://example.org/noarch/celery-5.4.0-pyhd8ed1ab_0.conda
- conda: https://example.org/noarch/celery-types-5.5.0-pyhd8ed1ab_0.conda
- name: celery
"""


def test_yaml_lock():
    assert list(text.yaml_lock(CONDA_LOCK)) == [
        Mention("5.4.0", 7, locked=True),
        Mention("5.3.6", 12, aside=True, locked=True),
    ]
    assert list(text.yaml_lock(PIXI_LOCK)) == [
        Mention("5.3.6", 2, locked=True),
        Mention("@https://example.org/noarch/celery-5.4.0-pyhd8ed1ab_0.conda", 5, locked=True),
    ]
    assert list(text.yaml_lock("")) == []


CONFIG = """\
[metadata]
name = celery
keywords = celery
[options]
install_requires =
    django>=4
    celery[redis]>=5,<5.5  # the queue
    {long}
tests_require = celery==5.2
setup_requires = celery==5.1
packages = celery
[options.extras_require]
queue = celery>=5.1; python_version>"3"
test =
    celery==5.0
"""


def test_config():
    assert list(text.config(CONFIG.format(long="celery" + " " * 50_000 + "<5.6"))) == [
        Mention(">=5,<5.5", 7),
        Mention("<5.6", 8),
        Mention("==5.2", 9, aside=True),
        Mention("==5.1", 10, aside=True),
        Mention(">=5.1", 13, 'python_version>"3"'),
        Mention("==5.0", 15, aside=True),
    ]


def test_config_that_includes():
    given = "[options]\ninstall_requires = file: requirements.txt, more.txt\n[options.extras_require]\ndev\n"
    assert list(text.config(given)) == [Include("requirements.txt"), Include("more.txt")]


@pytest.mark.parametrize(
    "given", ["celery==5.4", "[options\n", "", "[options]\n  x = [celery\n =", "[a]\nx = %(celery)s"]
)
def test_config_that_says_nothing(given):
    assert list(text.config(given)) == []


SETUP = '''\
"""celery>4 is not wanted: setup(install_requires=["celery"])"""
import os
from setuptools import setup

require = ["celery >= 4.3, < 5", "django"]
TESTS_REQUIRE = ["celery==4.4"]
LONG = """
    celery<4.2
    django
"""
setup(
    name="celery",
    keywords=["celery", "tasks"],
    description="Celery 5.2 in your admin",
    install_requires=require + ["celery[redis]~=4.3.0"] + LONG.split(),
    tests_require=["celery==4.4.7"],
    extras_require={"dev": ["celery==4.1"], "queue": ["celery==4.0"], **more, KEY: "celery==3.1"},
    other="x\\ny\\ncelery==5.2",
    **{"packages": b"celery"},
)
os.environ["X"], y = "celery!=5.7", 1
'''


def test_setup():
    assert sorted(asides(text.setup(SETUP)), key=lambda row: (row[1], row[0])) == [
        ('>4 is not wanted: setup(install_requires=["celery"])', 1, False),
        (">= 4.3, < 5", 5, False),
        ("==4.4", 6, True),
        ("<4.2", 8, False),
        ("~=4.3.0", 15, False),
        ("==4.4.7", 16, True),
        ("==3.1", 17, False),
        ("==4.0", 17, False),
        ("==4.1", 17, True),
        ("==5.2", 20, False),
        ("!=5.7", 21, False),
    ]


@pytest.mark.parametrize("given", ["def (:", "\0", "(" * 5000 + ")" * 5000, "print 'celery==4.1'", "1" * 5000 + " + 1"])
def test_setup_that_cannot_be_parsed(given):
    assert list(text.setup(given)) == []


LONG = 50_000


@pytest.mark.parametrize(
    "given",
    [
        "celery" + " " * LONG,
        "celery" + " " * LONG + "#",
        "celery" + "\\\n" * LONG,
        "- celery" + " " * LONG + "x",
        "name: celery" + " " * LONG + "x",
        "celery" + "#" * LONG,
        "celery" + " -" * LONG,
        "[options]\ncelery" + " " * LONG + "x",
        "[options]\ninstall_requires = celery" + " " * LONG + "x",
        "x = 'celery" + " " * LONG + "'",
        "celery\n" * LONG,
    ],
    ids=range(11),
)
def test_long_texts_cost_no_more_than_their_length(given):
    started = time.process_time()
    for reader in (text.requirements, text.conda, text.yaml_lock, text.config, text.setup):
        list(itertools.islice(reader(given), 200))  # no more are asked for
    assert time.process_time() - started < 3


@given(st.text() | st.text("celry=<5.2 \n\t\\#-:[](){}\"',;@^", max_size=200).map(lambda end: f"celery{end}"))
def test_nothing_is_raised(given):
    for reader in (text.requirements, text.conda, text.yaml_lock, text.config, text.setup):
        for found in reader(given):
            assert isinstance(found, Include) or found.line >= 1
