"""Which files of a project call what, as far as their texts say."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace.files import Calls
from flake8_celery_tasks.workspace.prescan import names_before_brackets
from flake8_celery_tasks.workspace.source import Source
from tests.helpers import write


def opened(folder, files):
    write(folder, files)
    session.forget()
    return session.open_project(str(folder), Options())


def names(found, folder):
    return sorted(path.removeprefix(f"{folder}/") for path in found)


def test_files_that_call_a_name(tmp_path):
    project = opened(
        tmp_path,
        {"shop/a.py": "from shop import b\nb.notify(1)\n", "shop/b.py": "def notify(x): ...\n", "c.py": "notify = 1\n"},
    )
    assert names(project.files.calling("notify"), tmp_path) == ["shop/a.py", "shop/b.py"]
    assert project.files.calling("other") == []
    assert (project.files.times_defined("notify"), project.files.times_defined("other")) == (1, 0)


def test_words_in_files_that_have_nothing_to_do_with_celery(tmp_path):
    project = opened(tmp_path, {"shop/urls.py": "urlpatterns = []\n", "shop/settings.py": "ATOMIC_REQUESTS = True\n"})
    assert names(project.files.wording(b"urlpatterns"), tmp_path) == ["shop/urls.py"]
    assert names(project.files.wording(b"ATOMIC_REQUESTS"), tmp_path) == ["shop/settings.py"]


@pytest.mark.parametrize(
    ("text", "expected"), [("notify(2)\n", ["a.py", "b.py"]), ("notify\n", ["b.py"])], ids=["calls", "calls no more"]
)
def test_what_an_editor_holds_takes_the_place_of_the_file(tmp_path, text, expected):
    project = opened(tmp_path, {"a.py": "notify(1)\n", "b.py": "notify(1)\n"})
    project.open(str(tmp_path / "a.py"), Source([text]), ast.parse(text))
    assert names(project.files.calling("notify"), tmp_path) == expected


def test_a_file_that_cannot_be_read_calls_nothing(tmp_path):
    project = opened(tmp_path, {"b.py": "notify(1)\n"})
    (tmp_path / "gone.py").symlink_to(tmp_path / "b.py")
    assert names(project.files.calling("notify"), tmp_path) == ["b.py", "gone.py"]
    project = opened(tmp_path, {})
    assert list(project.files.disk.stamps)
    (tmp_path / "b.py").unlink()
    assert project.files.calling("notify") == []


@pytest.mark.parametrize(
    ("text", "called", "defined"),
    [
        (b"", set(), []),
        (b"(1)", set(), []),
        (b"a.b(c)(d)", {b"b"}, []),
        (b"x = [f(1), -g(2)]\n@dec(3)\nasync def h(x): i(\n", {b"f", b"g", b"dec", b"h", b"i"}, [b"h"]),
        ("größe(1)".encode(), {"größe".encode()}, []),
        (b"undef x(", {b"x"}, [b"x"]),
    ],
)
def test_names_before_brackets(text, called, defined):
    assert names_before_brackets(text) == (called, defined)


TEXTS = {
    "a.py": b"from b import notify\nnotify(1)\n",
    "b.py": b"def notify(x): ...\ndef send(): ...\n",
    "c.py": b"urlpatterns = [path(1)]\n",
    "d.py": b"send()\nnotify(2)\n",
}


@pytest.mark.parametrize(
    "now",
    [
        {"a.py": b"# A comment.\nfrom b import notify\nnotify(1)\n"},
        {"a.py": b"x = 1\n", "d.py": b"send()\n"},
        {"b.py": b"def notify(x): ...\nsend()\nnotify(path(3))\n", "c.py": b"ATOMIC_REQUESTS = notify(1)\n"},
        {"c.py": b"def notify(): ...\n", "d.py": b""},
    ],
)
def test_other_texts_of_some_files_count(now):
    known = Calls(TEXTS.items())
    found = known.replaced([(path, TEXTS[path], text) for path, text in now.items()], TEXTS)
    fresh = Calls({**TEXTS, **now}.items())
    for one, other in ((found.files, fresh.files), (found.defined, fresh.defined), (found.holding, fresh.holding)):
        assert {key: value for key, value in one.items() if value} == {key: val for key, val in other.items() if val}
    assert vars(known) == vars(Calls(TEXTS.items())), "what is on disk stays known"
