"""Constants that hold the name of a task: at the desk."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.server.answers import constants, hover, places, rename
from flake8_celery_tasks.server.text import Span
from tests.server.desks import Table

NAMES = """\
PAY = "shop.pay"
TWICE = "shop.pay"
TWICE = "shop.pay"
LOST = "shop.lost"
MADE = PAY[:4]


class Names:
    REFUND = "shop.refund"
    ALIAS = REFUND


def inner():
    own = "shop.pay"
"""
TASKS = """\
from celery import shared_task, current_app
from shop.names import Names
from shop import names as known


@shared_task(name=known.PAY)
def pay(order): ...


@shared_task(name=Names.REFUND)
def refund(order): ...


@shared_task(name="shop.ship")
def ship(order): ...


def send():
    current_app.tasks["shop.ship"].delay(1)
    current_app.send_task(known.PAY)
    current_app.tasks[known.PAY], current_app.tasks[order]
    del current_app.tasks["shop.ship"]
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def begin(names=NAMES, **others):
        files = {"shop/__init__.py": "", "shop/names.py": names, "shop/tasks.py": TASKS}
        files.update({f"shop/{name}.py": text for name, text in others.items()})
        return Table(tmp_path / "project", files)

    return begin


def at(table, name, mark):
    buffer = table.open(name)
    text = buffer.text.text
    return table.sight(buffer), buffer, text.index(mark.replace("|", "")) + mark.index("|")


def renamed(table, name, mark):
    found = rename.renaming(*at(table, name, mark), "shop.new")
    return {path.rpartition("/")[2]: [edit.text for edit in edits] for path, edits in found.items()}


PLAIN = NAMES.replace("MADE = PAY[:4]\n", "").replace("    ALIAS = REFUND\n", "")


@pytest.mark.parametrize(
    ("mark", "task"), [('PAY = "sh|op.pay"', "pay"), ('REFUND = "|shop.refund"', "refund"), ('"shop.pa|y"\nTW', "pay")]
)
def test_the_string_in_a_constant_is_the_name_of_the_task(shop, mark, task):
    table = shop()
    place = at(table, "shop/names.py", mark)
    found = hover.hover(*place)
    assert found is not None
    assert f"Task `shop.{task}`" in found.markdown
    sight, buffer, _ = place
    assert buffer.text.text[found.span.start : found.span.end] == f'"shop.{task}"'
    (definition,) = places.definition(*place)
    assert sight.text(definition.path).text[definition.start : definition.end] == task
    assert set(places.references(*place, with_definition=True)) == set(
        places.references(*at(table, "shop/tasks.py", f"def {task[:2]}|"), with_definition=True)
    )


@pytest.mark.parametrize(
    "mark", ['TWICE = "sh|op', 'LOST = "sh|op', "class Na|mes", "PA|Y =", 'own = "sh|op', '"shop.pa|y"\nLO']
)
def test_no_name_of_a_task(shop, mark):
    place = at(shop(), "shop/names.py", mark)
    assert hover.hover(*place) is None
    with pytest.raises(rename.Refused, match="no name of a task here"):
        rename.renamable(*place)


def test_a_name_that_nothing_uses_through_the_constant(shop):
    place = at(shop(f'{PLAIN}SHIP = "shop.ship"\n'), "shop/names.py", 'SHIP = "sh|op')
    assert hover.hover(*place) is None


@pytest.mark.parametrize("mark", ['PAY = "shop|', 'REFUND = "shop|'])
def test_a_rename_at_the_constant(shop, mark):
    table = shop(PLAIN)
    assert renamed(table, "shop/names.py", mark) == {"names.py": ['"shop.new"']}


@pytest.mark.parametrize(
    ("others", "place"),
    [
        ({"names": NAMES}, "shop/names.py:5"),
        ({"log": "from shop import names\nprint(names.PAY)\n"}, "shop/log.py:2"),
        ({"log": "def log():\n    from shop.names import PAY as P\n    return [P]\n"}, "shop/log.py:3"),
        ({"log": "import shop.names\nqueue = shop.names.PAY + '.slow'\n"}, "shop/log.py:2"),
    ],
)
def test_a_constant_that_has_another_use_too(shop, others, place):
    table = shop(**{"names": PLAIN, **others})
    with pytest.raises(rename.Refused, match=f"{place} uses the constant"):
        renamed(table, "shop/names.py", 'PAY = "shop|')


@pytest.mark.parametrize(
    "text",
    [
        "PAY = 1\nprint(PAY)\n",
        "from shop.names import PAY\n",
        "from shop.names import PAY\nPAY = 3\n",
        "from other.names import PAY\nprint(PAY, names.PAY, f().PAY)\n",
        "class X:\n    PAY = 3\nprint(X.PAY)\n",
        "print(PAY\n",
    ],
)
def test_another_name_that_is_spelt_alike(shop, text):
    assert renamed(shop(PLAIN, log=text), "shop/names.py", 'PAY = "shop|') == {"names.py": ['"shop.new"']}


def test_a_constant_in_a_file_that_has_gone(shop):
    table = shop(PLAIN)
    sight, _, _ = at(table, "shop/tasks.py", "def pa|y")
    assert constants.other_use(sight, Span(table.path("shop/gone.py"), 0, 3), []) is None
    assert constants.use_at(sight, table.path("shop/gone.py"), 0) is None


def test_a_task_that_is_looked_up_in_an_app(shop):
    table = shop(PLAIN)
    place = at(table, "shop/tasks.py", 'tasks["shop|.ship"].de')
    found = hover.hover(*place)
    assert "Task `shop.ship`" in found.markdown
    assert "Sent from 0 places." in found.markdown  # it is the call that sends
    assert renamed(table, "shop/tasks.py", '"shop.sh|ip")') == {"tasks.py": ['"shop.new"', '"shop.new"']}
