"""One requirement: whether it is of Celery, and which versions it lets in."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from flake8_celery_tasks.celery_model.pins.requirement import (
    LATER,
    MINORS,
    Mention,
    admitted,
    applies,
    is_celery,
    marker_of,
    mentions,
)
from flake8_celery_tasks.core.options import NEWEST

ALL = {*MINORS, LATER}
FIVE = {minor for minor in MINORS if minor[0] == 5}


def test_the_newest_is_known():
    assert MINORS[-1] == NEWEST
    assert list(MINORS) == sorted(set(MINORS))


@pytest.mark.parametrize("name", ["celery", "Celery", "CELERY"])
def test_names(name):
    assert is_celery(name)


@pytest.mark.parametrize("name", ["celery-types", "celery_foo", "django-celery-beat", "celery.x", "xcelery", "cel-ery"])
def test_other_names(name):
    assert not is_celery(name)
    assert list(mentions(f"{name}==5.2", 1)) == []
    assert list(mentions(f"{name} @ git+https://example.org/{name}@v5.2", 1)) == []


@pytest.mark.parametrize(
    ("text", "spec", "marker"),
    [
        ("celery", "", ""),
        ("celery<4.2", "<4.2", ""),
        ("Celery <= 5.3.5 ", "<= 5.3.5", ""),
        ("celery[redis]>=5,<6", ">=5,<6", ""),
        ("celery [redis, sqs] == 5.3.7", "== 5.3.7", ""),
        ("celery[redis", "", ""),
        ("celery (>=5.2,<6.0)", ">=5.2,<6.0", ""),
        ("celery[sqs] (>=5.2)", ">=5.2", ""),
        ("celery==5.2; python_version > '3'", "==5.2", "python_version > '3'"),
        ("celery; python_version > '3'", "", "python_version > '3'"),
        ("celery @ git+https://example.org/celery@v5.0.5p2", "@ git+https://example.org/celery@v5.0.5p2", ""),
        ("celery@git+https://a.org/b@v5.0 ; os_name == 'nt'", "@git+https://a.org/b@v5.0", "os_name == 'nt'"),
        (
            "git+https://example.org/celery@v5.0#egg=Celery[redis]",
            "@git+https://example.org/celery@v5.0#egg=Celery[redis]",
            "",
        ),
        (
            "git+https://a.org/x@v5.0#subdirectory=a&egg=celery",
            "@git+https://a.org/x@v5.0#subdirectory=a&egg=celery",
            "",
        ),
        ("git+https://example.org/a/celery.git@v5.0", "@git+https://example.org/a/celery.git@v5.0", ""),
        ("git+ssh://git@example.org/a/celery", "@git+ssh://git@example.org/a/celery", ""),
        ("./vendor/celery-4.4.7.tar.gz", "@./vendor/celery-4.4.7.tar.gz", ""),
        ("celery-5.0.5-py3-none-any.whl", "@celery-5.0.5-py3-none-any.whl", ""),
    ],
)
def test_mention(text, spec, marker):
    assert list(mentions(text, 7, aside=True)) == [Mention(spec, 7, marker, aside=True)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5.2",
        "celery 5.2",
        "celery, tasks and queues",
        "Celery integration for Django",
        "# celery==5.2",
        "django==4.2",
        "git+https://example.org/celery-ext@v5.2",
        "git+https://example.org/celery@v5.2#egg=celery-ext",
        "git+https://example.org/celery@v5.2#egg=",
        "../celery",
        "celery==5.2" + " " * 10 + "0" * 1000,
    ],
)
def test_no_mention(text):
    assert list(mentions(text, 1)) == []


def up_to(*newest):
    return {minor for minor in MINORS if minor <= newest}


def since(*oldest):
    return {minor for minor in ALL if minor >= oldest}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        # PEP 440.
        ("", ALL),
        ("<4.2", up_to(4, 1)),
        ("<= 5.3.5", up_to(5, 3)),
        ("<5.3.1", up_to(5, 3)),
        ("<5.3.0", up_to(5, 2)),
        ("<5.5.0rc1", up_to(5, 4)),
        ("<3.1", {(3, 0)}),
        (">=5,<6", FIVE),
        (">=5 , <5.3,!=5.1.*", {(5, 0), (5, 2)}),
        (">5.3,<=5.4", {(5, 3), (5, 4)}),
        (">=5.4,<5.5", {(5, 4)}),
        (">=5.4.3,<5.4.5", {(5, 4)}),
        (">=5.4", since(5, 4)),
        (">5.7.9", {(5, 7), LATER}),
        (">=6", {LATER}),
        ("==5.2.*", {(5, 2)}),
        ("==5.*", FIVE),
        ("==5.2.7", {(5, 2)}),
        ("== 5.2", {(5, 2)}),
        ("==5", {(5, 0)}),
        ("===5.4.0", {(5, 4)}),
        ("===5.4.0+local", {(5, 4)}),
        ("==v5.4.0", {(5, 4)}),
        ("==5.0.0rc1", {(5, 0)}),
        ("==5.1.0b2,<6", {(5, 1)}),
        ("==3.1.26.post2", {(3, 1)}),
        ("==5.10.7", {(5, 10)}),
        ("==2.5", {(2, 5)}),
        ("~=5.2", FIVE - {(5, 0), (5, 1)}),
        ("~=5.2.1", {(5, 2)}),
        ("!=5.3.0", ALL),
        ("!=5.3.*", ALL - {(5, 3)}),
        (">=5.*", since(5, 0)),
        ("<5.*", up_to(4, 4)),
        # Poetry, Pipenv.
        ("*", ALL),
        ("5.3.1", {(5, 3)}),
        ("5", {(5, 0)}),
        ("5.*", FIVE),
        ("5.3.*", {(5, 3)}),
        ("^5.2", FIVE - {(5, 0), (5, 1)}),
        ("^5.2.7", FIVE - {(5, 0), (5, 1)}),
        ("^5", FIVE),
        ("~5", FIVE),
        ("~5.2", {(5, 2)}),
        ("~5.2.1", {(5, 2)}),
        ("^4.4 || ^5.0", {(4, 4)} | FIVE),
        (">=5.2 <5.4", {(5, 2), (5, 3)}),
        (">= 5.2 < 5.4", {(5, 2), (5, 3)}),
        # Conda.
        ("=5.2", {(5, 2)}),
        ("=5.2.7", {(5, 2)}),
        ("=5", FIVE),
        ("5.2|5.3", {(5, 2), (5, 3)}),
        # Addresses.
        ("@ git+https://example.org/celery/celery@v5.0.5p2", {(5, 0)}),
        ("@git+https://example.org/celery.git@5.2#egg=celery", {(5, 2)}),
        ("@git+ssh://git@example.org/celery.git@release/5.2", {(5, 2)}),
        ("@https://example.org/celery/archive/v4.4.7.zip", {(4, 4)}),
        ("@https://10.0.3.4/4.2/celery-5.0.5-py3-none-any.whl", {(5, 0)}),
        ("@file:///opt/celery-5.0.5.tar.gz", {(5, 0)}),
        ("@./vendor/celery-4.4.7.tar.gz", {(4, 4)}),
        ("@/v5.3", {(5, 3)}),
        ("@git+https://example.org/celery.git", set()),
        ("@git+https://example.org/celery.git@main", set()),
        ("@git+https://example.org/celery.git@53a1bc5.2f", set()),
        ("@git+https://5.2/celery", set()),
        ("@", set()),
        # Nonsense.
        ("==1!5.4", set()),
        (">=5.2 and more", set()),
        (">=5.2;<6", set()),
        (">=1!5.4", set()),
        (">=5,<4", set()),
        ("latest", set()),
        ("==", set()),
        (">=5.x", set()),
        ("=>5", set()),
        ("==99999.1", set()),
        ("<" + "9" * 900, ALL),
        (">=5," * 300, set()),
        ("|", ALL),
    ],
)
def test_admitted(spec, wanted):
    assert admitted(spec) == wanted


OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~="])
VERSIONS = st.lists(st.integers(0, 9), min_size=2, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@given(st.lists(st.tuples(OPERATORS, VERSIONS), min_size=1, max_size=3))
def test_as_packaging_says(clauses):
    """A minor version is let in where one of its releases is; the others are as good as tried."""
    spec = ",".join(operator + version for operator, version in clauses)
    wanted = SpecifierSet(spec)
    tried = {
        minor for minor in MINORS if any(wanted.contains(Version(f"{minor[0]}.{minor[1]}.{i}")) for i in range(12))
    }
    found = admitted(spec)
    if len(clauses) == 1 and clauses[0][0] == "==":
        assert found == {tuple(map(int, clauses[0][1].split(".")[:2]))}
    else:
        assert found - {LATER} == tried


@given(st.text(max_size=40) | st.text("<>=!~^,.|*@ 0123456789v", max_size=40))
@example("==5.2.*.*")
@example("^")
@example("~")
@example("==²")
def test_nothing_is_raised(text):
    for spec in (text, f"=={text}", f"^{text}", f"@{text}"):
        assert all(len(minor) == 2 for minor in admitted(spec))
    for mention in mentions(f"celery{text}", 1):
        admitted(mention.spec)
        applies(mention.marker)
    assert isinstance(applies(text), bool)
    assert isinstance(applies(marker_of(text)), bool)


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ("python_version >= '3.7'", True),
        ("python_version < '3.7'", False),
        ("sys_platform == 'linux'", True),
        ("sys_platform == 'win32'", False),
        ("os_name == 'posix' and platform_system == 'Linux'", True),
        ("platform_python_implementation == 'PyPy'", False),
        ("extra == 'queue'", False),
        ("no marker", True),
        ("python_version >= 'x' and", True),
    ],
)
def test_markers(marker, holds):
    assert applies(marker) is holds


@pytest.mark.parametrize(
    ("python", "holds"),
    [("^3.8", True), (">=3.8,<4", True), ("~2.7 || >=3.9", True), ("~2.7", False), ("<3.7", False), ("2.7.*", False)],
)
def test_pythons_of_poetry(python, holds):
    assert applies(marker_of(python)) is holds


def test_long_texts_cost_no_more_than_their_length():
    started = time.process_time()
    for text in (
        "celery" + " " * 200_000,
        "celery" + " " * 200_000 + "==5.2",
        "celery==" + "5." * 100_000,
        "c" * 200_000,
    ):
        list(mentions(text, 1))
        admitted(text)
    assert time.process_time() - started < 1
