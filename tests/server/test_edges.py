"""The answers where there is little to go by: names that can't be told, files that have gone, texts half written."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.binding.symbols import Params
from flake8_celery_tasks.catalog import task_options
from flake8_celery_tasks.server.answers import completion, hover, places, rename
from flake8_celery_tasks.server.tasks import DEFINED, NAMED, ROUTED, SENT, decoded
from tests.server.conftest import SHOP
from tests.server.desks import Table
from tests.server.test_places import HEAD, at, completed, shown

ODD = """\
import os

from celery import Celery, Task, current_app, group, shared_task, signature
from content import names, plain, tasks
from content.names import NUMBER, TWICE
from elsewhere import GIVEN

app = Celery("odd")
app.conf.no_such_setting = 1
app.conf.beat_schedule = {
    "none": {"schedule": 10},
    "unknown": {"schedule": 10, "task": os.environ["TASK"]},
    "known": {"schedule": 10, "task": "content.index"},
    "object": {"schedule": 10, "task": tasks.index.s(1)},
}
app.conf.task_routes = ["content.routes.Router", ("content.index", {"queue": "x"}), (["content.clean"],), ()]


@shared_task(name=os.environ["NAME"], unknown=1)
def unnamed(x): ...


class Base(Task):
    def run(self, a): ...


class Sub(Base): ...


app.register_task(Sub())
made = app.task(name="content.plain")(plain.function)


@app.task(bind=True, name=names.ODD)
def bound(self=None, x=1): ...


def send(name, *several):
    current_app.send_task(name)
    current_app.send_task(*several)
    current_app.send_task(args=[1], name="content.index")
    current_app.send_task(TWICE)
    current_app.send_task("content" + ".index")
    current_app.send_task(GIVEN)
    current_app.send_task(names.CLEAN)
    group(tasks.index.s(1)).delay()
    current_app.send_task(names.BUILT)
    signature("content.plain")
    current_app.send_task("content.odd.Sub")
    tasks.index.apply_async(args=[1], unknown=2)
    tasks.index.delay(pk=1)
"""
NAMES = """\
CLEAN = "content.clean"
ODD = "content.bound"
BUILT = "content" + ".clean"
NUMBER = 3
TWICE = "content.index"
TWICE = "content.clean"
"""
PLAIN = """\
def function():
    pass


def function(x):
    pass
"""
FILES = {**SHOP, "content/names.py": NAMES, "content/plain.py": PLAIN, "content/odd.py": ODD}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Table(tmp_path / "project", FILES)


def uses(shop, kind, name="content/odd.py", text=None):
    """Return what is pointed at in a file, the name, and what a constant holds."""
    buffer = shop.open(name, text)
    sight = shop.sight(buffer)
    return {
        (
            buffer.text.text[use.span.start : use.span.end],
            use.name,
            None if use.constant is None else sight.text(use.constant.path).text[slice(*use.constant[1:])],
        )
        for use in sight.uses(buffer.path)
        if use.kind == kind
    }


# Places.


def test_what_defines_and_names(shop):
    assert uses(shop, DEFINED) == {
        ("unnamed", None, None),
        ("bound", "content.bound", None),
        ("Base", "content.odd.Base", None),
    }
    assert uses(shop, NAMED) == {("names.ODD", "content.bound", '"content.bound"')}


def test_what_sends(shop):
    assert uses(shop, SENT) == {
        ('"content.index"', "content.index", None),
        ("tasks.index.s(1)", None, None),
        ("tasks.index.s", None, None),
        ("tasks.index.apply_async", None, None),
        ("tasks.index.delay", None, None),
        ('"content" + ".index"', "content.index", None),
        ("names.CLEAN", "content.clean", '"content.clean"'),
        ("names.BUILT", "content.clean", None),
        ('"content.plain"', "content.plain", None),
        ('"content.odd.Sub"', "content.odd.Sub", None),
    }


def test_what_routes(shop):
    assert uses(shop, ROUTED) == {('"content.index"', "content.index", None)}


def test_a_constant_in_a_file_that_has_gone(shop):
    buffer = shop.open("content/odd.py")
    sight = shop.sight(buffer)
    assert sight.project.module(shop.path("content/names.py")) is not None
    sight.project.before.files.disk._texts = dict.fromkeys(sight.project.before.files.disk.texts)
    (shop.folder / "content/names.py").unlink()
    found = [use for use in sight.uses(buffer.path) if use.name == "content.clean"]
    assert [use.constant for use in found] == [None, None]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"x = '\xc3\xa9'\n", "x = '\u00e9'\n"),
        (b"# coding: latin-1\n\xe9\n", "# coding: latin-1\n\u00e9\n"),
        (b"\xef\xbb\xbfx\n", "x\n"),
        (b"", ""),
        (b"\xff\n", None),
        (b"# coding: no-such\n", None),
    ],
)
def test_the_text_of_bytes(content, text):
    assert decoded(content) == text


# Hover.


def said(shop, name, mark, text=None):
    found = hover.hover(*at(shop, name, mark, text))
    return None if found is None else found.markdown


def test_hover_on_a_task_that_a_call_makes_of_a_function(shop):
    assert "plain.py:5" in said(shop, "content/odd.py", 'signature("content.pl|ain")')
    found = said(shop, "content/odd.py", "def bou|nd")
    assert "bound(x=1)" in found
    assert "Sent from 0 places." in found


def test_hover_on_a_class_that_is_no_task_by_itself(shop):
    place = at(shop, "content/odd.py", '"content.odd.S|ub"')
    (found,) = place[0].called("content.odd.Sub")
    assert found.symbol.qualname == "Sub"
    assert hover.of_task(place[0], found) == ""
    assert hover.hover(*place) is None


def test_hover_on_a_task_with_many_senders(shop):
    lines = "".join(f"    current_app.send_task('content.clean', [{number}])\n" for number in range(12))
    text = f"from celery import current_app\n\n\ndef f():\n{lines}"
    shop.open("content/many.py", text)
    shop.open("content/tests/test_many.py", text)  # what tests send is not counted
    found = said(shop, "content/tasks.py", "def cl|ean")
    # With one of shop/celery.py and two of content/odd.py.
    assert "Sent from 15 places:" in found
    assert found.endswith("- and 5 more")
    assert found.count("many.py:") <= hover.SHOWN
    assert "test_many" not in found


def test_hover_where_nothing_parses(shop):
    assert said(shop, "content/odd.py", "import o|s", f"{ODD}def (:\n") is None


@pytest.mark.parametrize(
    "mark", ["unkn|own=1", "unkn|own=2", "no_such|_setting", "delay(p|k=1)", "Celery(|", "nam|e=names.ODD"]
)
def test_hover_on_what_is_no_option(shop, mark):
    found = said(shop, "content/odd.py", mark)
    assert found is None or found.startswith("**name**") == ("names.ODD" in mark)


def test_hover_on_a_setting_that_is_a_name_of_a_module(shop):
    text = "CELERY_TASK_ACKS_LATE = True\nCELERY_NO_SUCH = 1\n"
    assert "**task_acks_late**" in said(shop, "shop/settings.py", "CELERY_TASK|_ACKS", text)
    assert said(shop, "shop/settings.py", "CELERY_NO|_SUCH", text) is None


def test_an_option_that_another_makes_celery_read():
    required = [name for name, option in task_options.OPTIONS.items() if option.requires]
    assert required
    for name in required:
        assert "makes Celery read it." in hover.of_task_option(name)


# Definition, symbols, lenses, rename.


def test_a_function_in_a_file_that_has_gone(shop):
    place = at(shop, "content/odd.py", 'signature("content.pl|ain")')
    assert shown(place[0], places.definition(*place)) == {("plain.py", "")}
    assert {one.name for one in places.symbols(place[0], "plain")} == {"content.plain"}
    assert {one.name for one in places.symbols(place[0], "function")} == {"function"}
    (shop.folder / "content/plain.py").unlink()
    assert places.definition(*place) == []
    assert places.symbols(place[0], "plain") == []


def test_symbols_of_what_has_no_name(shop):
    sight = at(shop, "content/odd.py", "def unn|amed")[0]
    assert [(one.name, one.container) for one in places.symbols(sight, "unnamed")] == [("unnamed", "")]


def test_a_lens_for_each_definition(shop):
    twice = '@app.task(name="content.one")\ndef one(): ...\n'
    sight, buffer, _ = at(shop, "content/odd.py", "def unn|amed", f"{ODD}\n\n{twice}\n\n{twice}")
    spans = [one.span for one in places.lenses(sight, buffer)]
    names = [buffer.text.text[span.start : span.end] for span in spans]
    assert sorted(names) == ["Base", "bound", "one", "one", "unnamed"]
    assert len(set(spans)) == 5
    assert places.lenses(*at(shop, "content/odd.py", "import o|s", f"{ODD}def (:\n")[:2]) == []


def test_a_rename_in_a_file_that_has_gone(shop):
    shop.open("content/odd.py", "")  # it makes the name of parts
    place = at(shop, "content/tasks.py", '"content.ind|ex"')
    assert list(place[0].all_uses())
    place[0].project.before.files.disk._texts = dict.fromkeys(place[0].project.before.files.disk.texts)
    (shop.folder / "shop/celery.py").unlink()
    with pytest.raises(rename.Refused, match="can't be written in shop/celery"):
        rename.renaming(*place, "content.reindex")


# Completion.


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (None, "(...)"),
        (Params(), "()"),
        (Params(("a",), ("b", "c"), 1), "(a, b, c=...)"),
        (Params(vararg="rest", keyword_only=("k",)), "(*rest, k=...)"),
        (Params(keyword_only=("k", "l"), keyword_required=("k",)), "(*, k, l=...)"),
        (Params(positional=("a",), kwarg="more"), "(a, **more)"),
    ],
)
def test_parameters_as_they_are_shown(params, text):
    assert completion.shown(params) == text


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("x = \"it's\"\ncurrent_app.send_task('|')\n", {"content.index"}, set()),
        ("x = 'never closed\ncurrent_app.send_task(coun|)\n", set(), {"content.index"}),
        ("x = ] ) '|\n", set(), {"content.index"}),
        ("x = } |\n", set(), {"content.index"}),
        (
            "current_app.send_task('content.clean', kwargs={'a': 1})\ntasks.index.apply_async(kwargs={'|'})\n",
            {"pk", "deep"},
            {"a"},
        ),
        ("current_app.send_task('content.odd.bound', kwargs={**x, 1: 2, '|'})\n", set(), {"x"}),
        ("tasks.index.apply_async(kwargs=x, a='|')\n", set(), {"pk"}),
        ("tasks.index.apply_async(kwargs={'pk': '|'})\n", set(), {"deep"}),
        ("@shared_task\ndef f(): ...\n\n\n@shared_task(|)\ndef g(): ...\n", {"acks_late"}, {"countdown"}),
        ("tasks.index.apply_async(retry=True)\ntasks.index.apply_async(|)\n", {"countdown", "retry"}, set()),
        ("tasks.index.delay(|)\n", set(), {"countdown"}),
        ("own = Celery('x')\nown.conf.timezone = 'x'\nown.conf.task_|\n", {"task_acks_late"}, set()),
        ("print(x.conf.task_|)\n", set(), {"task_acks_late"}),
    ],
)
def test_completion(shop, text, some, none):
    (shop.folder / "content/made.py").write_text("from content.odd import app\n")
    found = completed(shop, HEAD + text)
    assert some <= set(found)
    assert not none & set(found)


def test_the_parameters_of_a_task_that_can_not_be_told(shop):
    text = "from celery import shared_task\n\n\n@shared_task(name='content.any')\n@unknown\ndef any(a): ...\n"
    shop.open("content/any.py", text)
    send = "current_app.send_task('content.any', kwargs={'|'})\n"
    (shop.folder / "content/made.py").write_text("from content.odd import app\n")
    assert completed(shop, HEAD + send) == {}


def test_settings_of_the_version_only(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = "from celery import Celery\n\napp = Celery('x')\napp.conf.|\n"
    lists = []
    for version in ("5.2.0", "5.5.0"):
        files = {"requirements.txt": f"celery=={version}\n", "shop/app.py": ""}
        lists.append(set(completed(Table(tmp_path / version, files), text, "shop/app.py")))
    assert lists[0] < lists[1]
