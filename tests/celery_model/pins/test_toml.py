"""Readers of `pyproject.toml`, `Pipfile`, and of locks in TOML and JSON."""

from __future__ import annotations

import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.celery_model.pins import toml
from flake8_celery_tasks.celery_model.pins.requirement import Include, Mention, applies

PROJECT = """\
[build-system]
requires = ["celery==3.1"]

[project]
name = "celery"
keywords = ["celery"]
dependencies = [
    "django>=4",
    "celery[redis]>=5.2,<6",
]
[project.optional-dependencies]
queue = ["celery==5.3"]
test = ['celery==5.1; python_version > "3"']
celery = ["celery==5.0", "kombu"]
[dependency-groups]
worker = ["celery==5.4", {include-group = "dev"}]
dev = ["celery==5.5"]
[tool.mypy.celery]
celery = "9"
[tool.uv]
dev-dependencies = ["celery==4.0"]
constraint-dependencies = ["celery<5.6"]
[tool.uv.sources]
celery = [{git = "https://a.org/celery/celery", tag = "v5.6.1", marker = "os_name == 'nt'"}]
[tool.pdm.dev-dependencies]
lint = ["celery==4.1"]
[tool.hatch.envs.default]
dependencies = ["celery==4.2"]
[tool.flit.metadata.requires-extra]
web = ["celery==4.3"]
"""


def rows(found):
    return [(mention.spec, mention.line, mention.aside) for mention in found]


def test_project():
    found = list(toml.project(PROJECT))
    assert rows(found) == [
        (">=5.2,<6", 9, False),
        ("==5.3", 12, False),
        ("==5.1", 13, True),
        ("==5.0", 14, False),
        ("==5.4", 16, False),
        ("==5.5", 17, True),
        ("==4.0", 21, True),
        ("<5.6", 22, False),
        ("@/v5.6.1", 24, False),
        ("==4.1", 26, True),
        ("==4.2", 28, True),
        ("==4.3", 30, False),
    ]
    assert [mention.marker for mention in found if mention.marker] == ['python_version > "3"', "(os_name == 'nt')"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ('[tool.poetry.dependencies]\npython = "^3.10"\ncelery = "^5.2"\n', [("^5.2", 3, False)]),
        ('[tool.poetry.dependencies]\nCelery = {version = "~5.2", extras = ["redis"]}', [("~5.2", 2, False)]),
        ('[tool.poetry.dependencies.celery]\nversion = "5.*"\nextras = ["redis"]', [("5.*", 1, False)]),
        ('[tool.poetry.dependencies]\ncelery = ["5.1", {version = "5.2"}, 5]', [("5.1", 2, False), ("5.2", 2, False)]),
        (
            '[tool.poetry.dependencies]\ncelery = {git = "https://a.org/celery", tag = "v5.0.5"}',
            [("@/v5.0.5", 2, False)],
        ),
        (
            '[tool.poetry.dependencies]\ncelery = {url = "https://a.org/celery-5.0.zip"}',
            [("@/https://a.org/celery-5.0.zip", 2, False)],
        ),
        ('[tool.poetry.dev-dependencies]\ncelery = "^5.2"', [("^5.2", 2, True)]),
        ('[tool.poetry.group.test.dependencies]\ncelery = "^5.2"', [("^5.2", 2, True)]),
        ('[tool.poetry.group.worker.dependencies]\ncelery = "^5.2"', [("^5.2", 2, False)]),
        ('[tool.poetry.extras]\ncelery = ["celery"]', [("", 2, False)]),
        ('[tool.poetry.dependencies]\ndjango-celery-beat = "^5.2"\ncelery = "^5.2"', [("^5.2", 3, False)]),
        ('[tool.pixi.dependencies]\ncelery = "5.3.*"', [("5.3.*", 2, False)]),
        ('[tool.poetry.dependencies]\ncelery-types = "^5.2"\n[tool.poetry]\nname = "celery"', []),
        ("[tool.poetry.dependencies]\ncelery = 5", []),
        ("[tool.poetry.dependencies]\ncelery = {version = 5, path = '../celery'}", [("@/../celery", 2, False)]),
        ("[project]\ndependencies = 'celery==5.2'", []),
        ("[project]\ndependencies = ['celery==5.2'", []),
        ("[project]\ndependencies = [['celery==5.2'], 5, {celery = 5}]", []),
        ("project = 5\ntool = []", []),
    ],
)
def test_tables(given, found):
    assert rows(toml.project(given)) == found


def test_a_text_that_is_written_otherwise():
    assert rows(toml.project('[project]\n# no celery here\ndependencies = [\n  "celer\\u0079<5"]')) == [
        ("<5", 2, False)
    ]
    assert rows(toml.project('[project]\ndependencies = ["\\u0063\\u0065lery<5"]')) == [("<5", 1, False)]
    assert rows(toml.project('[project]\ndependencies = ["c\\u0065\\u006cery<5"]')) == [("<5", 1, False)]


@pytest.mark.parametrize(
    ("python", "holds"), [("^3.8", True), ("~2.7", False), (">=3.8,<4 || ~2.7", True), ("nonsense", True)]
)
def test_what_is_asked_of_python(python, holds):
    given = f'[tool.poetry.dependencies]\ncelery = {{version = "^5", python = "{python}"}}'
    (mention,) = toml.project(given)
    assert applies(mention.marker) is holds


def test_both_a_python_and_a_marker():
    (mention,) = toml.project(
        "[tool.poetry.dependencies]\ncelery = {version = '^5', python = '^3.8', markers = \"os_name == 'nt'\"}"
    )
    assert mention.marker.endswith("and (os_name == 'nt')")
    assert not applies(mention.marker)


def test_lists_that_are_included():
    given = "[tool.setuptools.dynamic]\ndependencies = {file = ['requirements.txt', 5]}\nversion = {file = 'v.txt'}"
    assert list(toml.project(given)) == [Include("requirements.txt"), Include("v.txt")]


def test_pipfile():
    given = """\
[[source]]
name = "celery"
[packages]
celery = {extras = ["redis"], version = "==5.3.1"}
django-celery-beat = "*"
[dev-packages]
celery = "*"
[worker]
celery = {ref = "v5.2", git = "https://a.org/celery.git"}
[requires]
python_version = "3.9"
"""
    assert rows(toml.pipfile(given)) == [("==5.3.1", 4, False), ("*", 7, True), ("@/v5.2", 9, False)]


UV = """\
version = 1
revision = 2
resolution-markers = ["python_full_version >= '3.13'"]

[[package]]
name = "amqp"
version = "5.3.1"
source = { registry = "https://a.org/simple" }

[[package]]
name = "celery"
version = "5.4.0"
source = { registry = "https://a.org/simple" }
dependencies = [
    { name = "billiard" },
]
sdist = { url = "https://a.org/celery-5.4.0.tar.gz", hash = "sha256:1", size = 15 }

[package.optional-dependencies]
redis = [
    { name = "celery" },
]

[[package]]
name = "shop"
version = "9.9"
source = { virtual = "." }
dependencies = [
    { name = "celery", extra = ["redis"] },
]

[package.metadata]
requires-dist = [{ name = "celery", extras = ["redis"], specifier = ">=5" }]
"""
POETRY = """\
[[package]]
name = "amqp"
version = "5.3.1"

[[package]]
category = "main"
description = "Distributed Task Queue."
name = "celery"
optional = false
python-versions = "*"
version = "4.4.2"

[package.dependencies]
vine = "1.3.0"

[package.extras]
redis = ["redis (>=3.2.0)"]

[[package]]
name = "celery-types"
version = "0.1"

[metadata]
content-hash = "1"

[metadata.files]
celery = [{file = "celery-4.4.2.tar.gz", hash = "sha256:1"}]
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_toml_lock(end):
    assert list(toml.toml_lock(UV.replace("\n", end))) == [Mention("5.4.0", 12, locked=True)]
    assert list(toml.toml_lock(POETRY.replace("\n", end))) == [Mention("4.4.2", 11, locked=True)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (
            '[[packages]]\nname = "celery"\nversion = "5.5.3"\nmarker = "os_name == \'nt\'"',
            ("5.5.3", "(os_name == 'nt')", False),
        ),
        (
            '[[package]]\nversion = "5.3"\nname = \'celery\'\nmarkers = "a"\ngroups = ["main", "dev"]',
            ("5.3", "(a)", False),
        ),
        ('[[package]]\nname = "celery"\nversion = "5.3"\ngroups = ["dev", "test"]', ("5.3", "", True)),
        ('[[package]]\nname = "celery"\nversion = "5.3"\ncategory = "dev"', ("5.3", "", True)),
        (
            '[[package]]\nname = "celery"\nversion = "5.3"\nresolution-markers = ["a", "b"]\nmarkers = {main = "c"}',
            ("5.3", "((a) or (b))", False),
        ),
    ],
)
def test_what_a_lock_says_beside(given, found):
    (mention,) = toml.toml_lock(given)
    assert (mention.spec, mention.marker, mention.aside) == found


@pytest.mark.parametrize(
    "given",
    [
        "",
        '[[package]]\nname = "celery"\n',
        '[[package]]\nname = "celery"\nversion = 5',
        'name = "celery"\nversion = "5.3"',
        'x = 1\nname = "celery"\nversion = "5.3"',
        '[[package]]\nname = "celery"\nversion = "5.3\n',
        '[[package]]\nname = "celery-types"\nversion = "5.3"',
        '[[package]]\nname = "shop"\nversion = "5.3"\ndependencies = [\n  "celery 5.4",\n]',
    ],
)
def test_a_lock_that_says_nothing(given):
    assert list(toml.toml_lock(given)) == []


def test_several_versions_in_a_lock():
    given = UV + '\n[[package]]\nname = "celery"\nversion = "5.5.1"\nsource = {}\n'
    assert [mention.spec for mention in toml.toml_lock(given)] == ["5.4.0", "5.5.1"]
    twice = '[[package]]\nname = "celery"\nversion = """\nname = "celery"\nname = "celery"\n"""'
    assert len(list(toml.toml_lock(twice))) == 1


PIPFILE_LOCK = {
    "_meta": {"hash": {"sha256": "1"}},
    "default": {
        "celery": {"hashes": ["sha256:1"], "version": "==5.3.6", "markers": "python_version >= '3.8'"},
        "celery-types": {"version": "==5.4"},
    },
    "develop": {"celery": {"version": "==5.2.0"}},
    "worker": {"celery": {"git": "https://a.org/celery.git", "ref": "v5.1.0"}},
    "test": {"celery": {"version": "==5.0.0"}},
}


def test_json_lock():
    found = list(toml.json_lock(json.dumps(PIPFILE_LOCK, indent=4)))
    assert rows(found) == [
        ("==5.3.6", 8, False),
        ("==5.2.0", 8, True),
        ("@/v5.1.0", 8, False),
        ("==5.0.0", 8, True),
    ]
    assert all(mention.locked for mention in found)
    assert found[0].marker == "(python_version >= '3.8')"


@pytest.mark.parametrize("given", ["", "celery", "[]", '{"default": []}', '{"default": {"celery": 5}}', "[" * 100_000])
def test_json_lock_that_says_nothing(given):
    assert list(toml.json_lock(given)) == []


READERS = (toml.project, toml.pipfile, toml.toml_lock, toml.json_lock)
LONG = 50_000


@pytest.mark.parametrize(
    "given",
    [
        "celery" + " " * LONG,
        'name = "celery"' + " " * LONG + "x",
        "name" + " " * LONG + '= "celery"',
        'name = "celery"\n' * LONG,
        '[[package]]\nname = "celery"\n' * LONG,
        "[project]\ndependencies = ['celery" + " " * LONG + "']",
        "[project]\ndependencies = [" + "'celery', " * LONG + "]",
        "[project]\ndependencies = [" + "\n'celery<5', " * LONG + "]",
    ],
    ids=range(8),
)
def test_long_texts_cost_no_more_than_their_length(given):
    started = time.process_time()
    for reader in READERS:
        list(itertools.islice(reader(given), 200))  # no more are asked for
    assert time.process_time() - started < 5


WORDS = st.sampled_from(
    [
        *(
            "celery",
            "celery>=5",
            "\n",
            " = ",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            '"',
            "'",
            ",",
            "name",
            "version",
            "package",
        ),
        *("project", "dependencies", "tool.poetry.dependencies", "file", "5.2", "\\", "#", "groups"),
    ]
)
JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["celery", "==5.2", "version", "default"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["celery", "default", "version", "git"]), inner),
)


@given(st.lists(WORDS).map("".join), JSON)
def test_nothing_is_raised(given, value):
    for text in (given, json.dumps(value)):
        for reader in READERS:
            for found in reader(text):
                assert isinstance(found, Include) or found.line >= 1


@given(JSON)
def test_no_table_is_raised_at(value):
    list(toml._walk(value, ("dependencies",), toml._Lines("")))
    toml._marker(dict(toml._items(value)))
    toml._is_aside(dict(toml._items(value)))
