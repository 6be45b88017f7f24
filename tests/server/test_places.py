"""The answers at the desk: what is pointed at, and what is said of it."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.server.answers import completion, hover, places, rename
from flake8_celery_tasks.server.answers.completion import HERE
from tests.server.conftest import SHOP
from tests.server.desks import Table

OTHERS = {
    **SHOP,
    "content/names.py": 'CLEAN = "content.clean"\nBUILT = "content" + ".clean"\n',
    "content/sending.py": """\
from celery import current_app, group, signature
from content import names, tasks
from content.names import CLEAN


def send():
    current_app.send_task(CLEAN)
    signature("content.index", kwargs={"pk": 1})
    group(tasks.index.s(1), tasks.index.si(2))()
    current_app.send_task(name="content.index", kwargs={"pk": 1})
    tasks.index.s(1).set(countdown=3).apply_async()
    "content.index"  # of no task
""",
    "content/made.py": """\
from celery import Celery, Task

app = Celery("made", task_track_started=True)
app.conf.update(task_routes=[("content.clean", {"queue": "x"}), {"content.*": {"queue": "y"}}])
app.conf["task_acks_late"] = True


class Kept(Task):
    name = "content.kept"

    def run(self, x, *rest, key, more=1, **others):
        \"\"\"Keep it.\"\"\"


app.register_task(Kept())


def plain(a: int, b=2) -> None: ...


made = app.task(name="content.made", bind=False)(plain)


@app.task(name="content.bound", bind=True, max_retries=None, autoretry_for=(ValueError,))
def bound(self, x=1, /): ...


@app.on_after_configure.connect
def schedule(sender, **kwargs):
    sender.add_periodic_task(10, bound.s(), name="often")
""",
    "content/more.py": """\
import celery
from celery import Task
from content.made import app


@app.task(bind=True, name="content.again")
def again(self):
    raise self.retry(countdown=app.conf.task_default_rate_limit, sender=1)


class Slow(Task):
    name, queue = "content.slow", "slow"
    rate_limit: str = "1/m"
    max_retries = 3

    def run(self): ...


app.register_task(Slow())


def read(x):
    x.retry(expires=1)
    x.conf.own = celery.current_app.conf.enable_utc
    return x.conf.timezone, app.conf.nothing, app.other.enable_utc, [app][0].conf.result_expires, app.conf.beat_cron
""",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("places")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield Table(folder / "project", OTHERS)


def at(shop, name, mark, text=None):
    """Return the sight, the file and the place in some text where a bar stands."""
    buffer = shop.open(name, text)
    before = mark.replace("|", "")
    assert before in buffer.text.text, mark
    return shop.sight(buffer), buffer, buffer.text.text.index(before) + mark.index("|")


def shown(sight, spans):
    """Return the file and the text of places."""
    return {(span.path.rpartition("/")[2], sight.text(span.path).text[span.start : span.end]) for span in spans}


def said(shop, name, mark):
    found = hover.hover(*at(shop, name, mark))
    return None if found is None else found.markdown


# Hover.


@pytest.mark.parametrize(
    ("name", "mark", "parts"),
    [
        ("content/sending.py", "send_task(CL|EAN)", ["clean()", "`content.clean`"]),
        ("content/sending.py", 'signature("content.in|dex"', ["index(pk, deep=False)", "Sent from 6 places:"]),
        ("content/sending.py", "tasks.index.|si(2)", ["`content.index`"]),
        ("content/made.py", "class Ke|pt", ["Kept(x, *rest, key, more=1, **others)", "Keep it."]),
        (
            "content/made.py",
            "def bou|nd",
            ["bound(x=1, /)", "Retried: without limit on ValueError", "made.py:30 (beat)"],
        ),
        ("content/tasks.py", "max_re|tries=5", ["**max_retries**: `int | None`"]),
        (
            "content/tasks.py",
            "reject_on_|worker_lost",
            ["**reject_on_worker_lost**", "`task_reject_on_worker_lost` applies"],
        ),
        ("content/sending.py", "count|down=3", ["**countdown**: `int | float | None`", "Seconds"]),
        (
            "content/made.py",
            'conf["task_ac|ks_late"]',
            ["**task_acks_late**: `bool`", "The option `acks_late` of a task beats it."],
        ),
        ("content/made.py", "task_track_|started=True", ["**task_track_started**"]),
        ("shop/celery.py", "conf.task_acks|_late", ["**task_acks_late**"]),
        ("content/more.py", "self.retry(count|down=", ["**countdown**: `int | float | None`"]),
        ("content/more.py", "conf.task_default_rate|_limit", ["**task_default_rate_limit**: `"]),
        ("content/more.py", "current_app.conf.enable|_utc", ["**enable_utc**: `"]),
        ("content/more.py", "rate_lim|it: str", ["**rate_limit**: `"]),
        ("content/more.py", "max_ret|ries = 3", ["**max_retries**: `int | None`"]),
        ("content/views.py", "import in|dex", ["index(pk, deep=False)"]),
    ],
)
def test_hover(shop, name, mark, parts):
    found = said(shop, name, mark)
    assert [part for part in parts if part not in (found or "")] == [], found


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("content/sending.py", '"content.in|dex"  # of no task'),
        ("content/views.py", '"content.in|dx"'),
        ("content/names.py", "CL|EAN"),
        ("content/more.py", "retry(exp|ires"),
        ("content/more.py", "sen|der=1"),
        ("content/more.py", "name, que|ue"),
        ("content/more.py", "x.conf.time|zone"),
        ("content/more.py", "app.conf.noth|ing"),
        ("content/more.py", "app.other.enable|_utc"),
        ("content/more.py", "conf.result_ex|pires"),
        ("content/more.py", "app.co|nf.beat"),
    ],
)
def test_nothing_to_say(shop, name, mark):
    assert said(shop, name, mark) is None


def test_many_senders(shop):
    lines = "".join(f"    current_app.send_task('content.made', [{number}])\n" for number in range(12))
    shop.open("content/sending.py", f"from celery import current_app\n\n\ndef f():\n{lines}")
    found = said(shop, "content/made.py", "def pl|ain")
    shop.open("content/sending.py")
    assert found is None  # the function is no task by itself
    assert "Sent from 0 places." in said(shop, "content/made.py", "class Ke|pt")


# Definition and references.


def test_several_definitions(shop):
    text = OTHERS["content/made.py"].replace("content.bound", "content.clean")
    sight, buffer, offset = at(shop, "content/made.py", '"content.cl|ean", {', text)
    assert shown(sight, places.definition(sight, buffer, offset)) == {("tasks.py", "clean"), ("made.py", "bound")}
    shop.open("content/made.py")


def test_references(shop):
    found = at(shop, "content/tasks.py", "def cl|ean")
    assert shown(found[0], places.references(*found, with_definition=False)) == {
        ("celery.py", '"content.clean"'),
        ("sending.py", "current_app.send_task(CLEAN)"),
        ("made.py", '"content.clean"'),
    }
    found = at(shop, "content/views.py", '"content.in|dx"')
    assert shown(found[0], places.references(*found, with_definition=True)) == {("views.py", '"content.indx"')}
    found = at(shop, "content/views.py", "def vi|ew")
    assert places.references(*found, with_definition=True) == []
    assert places.definition(*found) == []


def test_symbols(shop):
    sight = at(shop, "content/made.py", "class Ke|pt")[0]
    assert {(one.name, one.is_class) for one in places.symbols(sight, "ckept")} == {("content.kept", True)}
    assert {one.name for one in places.symbols(sight, "")} >= {"plain", "content.made", "bound", "Kept"}
    assert places.symbols(sight, "no such") == []


def test_lenses(shop):
    sight, buffer, _ = at(shop, "content/made.py", "class Ke|pt")
    assert [one.title for one in places.lenses(sight, buffer)] == [
        "sent from 2 places · retried without limit",
        "sent from 0 places · never retried",
    ]


# Rename.


def renamed(shop, name, mark, new):
    return rename.renaming(*at(shop, name, mark), new)


def test_a_constant_is_renamed_where_it_is(shop):
    found = renamed(shop, "content/tasks.py", '"content.cl|ean"', "content.sweep")
    assert {path.rpartition("/")[2]: [edit.text for edit in edits] for path, edits in found.items()} == {
        "tasks.py": ['"content.sweep"'],
        "names.py": ['"content.sweep"'],
        "celery.py": ['"content.sweep"'],
        "made.py": ['"content.sweep"'],
    }


@pytest.mark.parametrize(
    ("name", "mark", "new", "why"),
    [
        ("content/tasks.py", "def cl|ean", "x", "no name of a task here"),
        ("content/sending.py", "send_task(CL|EAN)", "x", "not written here"),
        ("content/tasks.py", '"content.cl|ean"', "", "needs a name"),
        ("content/tasks.py", '"content.cl|ean"', "content.index", "already"),
        ("content/views.py", '"content.in|dx"', "x", "no task of the project"),
        ("content/tasks.py", '"content.cl|ean"', "\ud800", "can't be written"),
    ],
)
def test_refused(shop, name, mark, new, why):
    with pytest.raises(rename.Refused, match=why):
        renamed(shop, name, mark, new)


def test_refused_where_a_name_is_automatic_or_made_of_parts(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    task = "from celery import shared_task, current_app\n\n\n@shared_task{}\ndef add(): ...\n\n\n"
    send = "def send():\n    current_app.send_task('shop.tasks.add')\n"
    table = Table(tmp_path / "project", {"shop/tasks.py": task.format("") + send})
    with pytest.raises(rename.Refused, match="automatic"):
        renamed(table, "shop/tasks.py", "'shop.tasks.ad|d'", "x")
    text = task.format('(name="shop.tasks.add")') + send + "    current_app.send_task('shop.tasks' + '.add')\n"
    table.open("shop/tasks.py", text)
    with pytest.raises(rename.Refused, match="of other parts"):
        rename.renaming(*at(table, "shop/tasks.py", "('shop.tasks.ad|d'", text), "x")


@pytest.mark.parametrize(
    ("written", "new", "after"),
    [
        ("'a'", "b", "'b'"),
        ('"a"', "b'c", '"b\'c"'),
        ("'a'", "b'c", "'b\\'c'"),
        ("r'a'", "b\\c", "r'b\\c'"),
        ("u'a'", "b", "u'b'"),
        ('"""a"""', "b", '"""b"""'),
        ('"" "a"', "b\n", '"b\\n"'),
        ("'a'", "b\t\\", "'b\\t\\\\'"),
        ("'a'", "b\\é", "'b\\\\é'"),
        ("R'a'", "b\\é", "R'b\\é'"),
        ("b'a'", "b", None),
        ("'other'", "b", None),
        ("", "b", None),
    ],
)
def test_how_a_name_is_written(written, new, after):
    assert rename.rewritten(written, "a", new) == after


# Completion.


def completed(shop, text, name="content/new.py"):
    offset = text.index("|")
    buffer = shop.open(name, text.replace("|", ""))
    found = completion.completion(shop.sight(buffer), buffer, offset)
    del shop.buffers[buffer.path]
    return {one.label: one for one in found}


HEAD = "from celery import current_app, shared_task, Celery\nfrom content import tasks\nfrom content.made import app\n"


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("current_app.send_task('con|", {"content.index", "content.kept"}, set()),
        ("current_app.send_task('con|')\nx = 1\n", {"content.index"}, set()),
        ("app.conf.beat_schedule = {'a': {'task': '|'}}\n", {"content.index"}, set()),
        ("app.conf.task_routes = {'|': 'x'}\n", {"content.index"}, set()),
        ("app.conf.task_routes = {'|'}\n", {"content.index"}, set()),
        ("app.conf.task_annotations = {'content.kept': {}, '|", {"content.index"}, set()),
        ("x = {'|'}\n", set(), {"content.index"}),
        ("print('con|')\n", set(), {"content.index"}),
        ("'''\ncon|\n'''\n", set(), {"content.index"}),
        ("# it's\ncurrent_app.send_task('|')\n", {"content.index"}, set()),
        ("current_app.send_task('content.index', kwargs={'|'})\n", {"pk", "deep"}, set()),
        ("current_app.send_task('content.index', kwargs={'pk': 1, '|'})\n", {"deep"}, {"pk"}),
        ("current_app.send_task('content.index', [], {'|", {"pk", "deep"}, set()),
        ("tasks.index.apply_async(kwargs={'|': 1})\n", {"pk", "deep"}, set()),
        ("current_app.send_task('content.nope', kwargs={'|'})\n", set(), {"pk"}),
        ("current_app.send_task('content.kept', kwargs={'|'})\n", {"x", "key", "more"}, set()),
        ("tasks.index.apply_async([1], coun|)\n", {"countdown", "expires"}, {"args_"}),
        ("tasks.index.apply_async(countdown=1, |)\n", {"expires"}, {"countdown"}),
        ("current_app.send_task('x', |", {"countdown", "result_cls"}, set()),
        ("@shared_task(|)\ndef f(): ...\n", {"acks_late", "name"}, {"countdown"}),
        ("@shared_task(name='x', |\ndef f(): ...\n", {"acks_late"}, {"name"}),
        ("app.conf.|\n", {"task_acks_late"}, {"CELERY_TASK_ACKS_LATE"}),
        ("app.conf.update(task_|)\n", {"task_acks_late"}, set()),
        ("x = f(|)\n", set(), {"countdown"}),
        ("x = ]|\n", set(), {"countdown"}),
        ("print(app.conf.|)\n", {"task_acks_late"}, set()),
        ("def f(x):\n    if x and app.conf.task_|:\n        pass\n", {"task_acks_late"}, set()),
        ("def f():\n    return app.conf.|\nx = 1\n", {"task_acks_late"}, set()),
        ("x = [\n    app.conf.|\n]\n", {"task_acks_late"}, set()),
        ("print(other.conf.|)\n", set(), {"task_acks_late"}),
        ("other.conf.|\n", set(), {"task_acks_late"}),
    ],
)
def test_completion(shop, text, some, none):
    found = completed(shop, HEAD + text)
    assert some <= set(found)
    assert not none & set(found)
    assert HERE not in found


def test_what_an_item_says_and_replaces(shop):
    text = f"{HEAD}current_app.send_task('content.old|est')\n"
    item = completed(shop, text)["content.kept"]
    text = text.replace("|", "")
    assert text[: item.start] + item.text + text[item.end :] == text.replace("content.oldest", "content.kept")
    assert item.detail == "(x, *rest, key, more=..., **others)" or item.detail == ""
    item = completed(shop, f"{HEAD}tasks.index.apply_async(cou|ntdown=3)\n")["countdown"]
    assert item.text == "countdown"  # there is a sign of equality already
    item = completed(shop, f"{HEAD}tasks.index.apply_async(cou|ntdown)\n")["countdown"]
    assert item.text == "countdown="
    item = completed(shop, f"{HEAD}tasks.index.apply_async(cou|n == 3)\n")["countdown"]
    assert item.text == "countdown="
    assert "countdown" in item.documentation
    assert completion.shown(None) == "(...)"
