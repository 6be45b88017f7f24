"""Bad input: flake8's own report for the file at hand, silence about what can't be read, the rest still checked."""

from __future__ import annotations

import os
import sys

import pytest

from tests.helpers import BAD, PROJECT, check, codes, findings, run, write
from tests.robustness import harness

VIEWS = "./shop/views.py:1:27:"
TASK = b"from celery import shared_task\n@shared_task\ndef a(): pass\n"


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, PROJECT)
    (tmp_path / "shop/tasks.py").unlink()
    return tmp_path


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"from celery import shared_task\ndef (:\n", "E999"),
        pytest.param(
            b"from celery import shared_task\nx = '\x00'\n",
            "E9",
            marks=pytest.mark.skipif(sys.version_info < (3, 11, 4), reason="flake8 itself ends with a ValueError here"),
        ),
        (b"# coding: latin-1\nfrom celery import shared_task\nname = '\xe9'\n@shared_task\ndef a(): pass\n", "CLY101"),
        # What is no UTF-8, or has an unknown coding line, flake8 reads as Latin-1.
        (b"name = '\xe9'\n" + TASK, "CLY101"),
        (b"# coding: no-such-codec\n" + TASK, "CLY101"),
        (b"\xef\xbb\xbf" + TASK, "CLY101"),
        (b"\x0c\n" + TASK, "CLY101"),
        (TASK.replace(b"\n", b"\r\n"), "CLY101"),
        (TASK.replace(b"\n", b"\r"), "CLY101"),
        (b"", ""),
        (b"# celery\n" + b"x = 1\n" * 100_000, ""),
        (b"# celery\nx = " + b"(" * 1000 + b")" * 1000 + b"\n", "E9"),
        (b"# celery\n" + b"".join(b" " * i + b"if x:\n" for i in range(99)) + b" " * 99 + b"y\n", ""),
    ],
)
def test_a_strange_file(shop, content, code):
    (shop / "shop/strange.py").write_bytes(content)
    lines = run(shop, "--select=CLY,E9")
    strange = [line for line in lines if "strange" in line]
    if not code:
        assert not strange
    elif code.startswith("CLY"):
        assert [line.split(" ")[1] for line in strange] == [code]
    else:
        assert all(f" {code}" in line for line in strange)
        assert strange
    assert next(line for line in lines if line not in strange).startswith(VIEWS)


@pytest.mark.parametrize("value", ["+".join("1" * 300), "+".join("1" * 3000), "a" + ".b" * 900, "f(" * 90 + ")" * 90])
def test_long_expressions(shop, value):
    """What the parser takes, the plugin takes. pyflakes may give up on its own, so only our part is asked."""
    import ast

    from flake8_celery_tasks.plugin import Plugin

    text = f"from celery import shared_task\nx = {value}\n@shared_task(name=x)\ndef a(): pass\n"
    path = shop / "shop/long.py"
    try:
        tree = ast.parse(text)
    except RecursionError:
        pytest.skip("this Python can't parse it")
    assert not list(Plugin(tree, str(path), text.splitlines(keepends=True)).run())


@pytest.mark.parametrize("start", ["bill", "self"])
def test_a_long_chain_of_methods(tmp_path, start):
    """As long as the parser takes it: there is nothing that each of them goes through again."""
    import ast

    def text(count):
        chain = f"self.request, {start}.s(){'.set()' * count}.apply_async(countdwon=1)"
        return f"from celery import shared_task\n\n\n@shared_task(name='b', bind=True)\ndef bill(self):\n    {chain}\n"

    count = 2_500
    while True:
        try:
            ast.parse(text(count))
            break
        except (RecursionError, MemoryError):
            count -= 100
    assert count > 500
    found = codes(tmp_path, {"shop/tasks.py": text(count)})
    assert found == codes(tmp_path, {"shop/tasks.py": text(2)}) == ["CLY602"]


def test_what_is_too_long_for_a_message(tmp_path):
    text = "from celery import shared_task\n\n\n@shared_task(name='b')\ndef bill(x): ...\n\n\n"
    text += f"def send(orders):\n    for order in orders:\n        bill.s(order){'.set()' * 450}.delay()\n"
    [found] = check(tmp_path, {"shop/tasks.py": text}, extend_select="CLY918")["shop/tasks.py"]
    assert found.code == "CLY918"
    assert "'...'" in found.text or "...(" in found.text


def test_stars_count_at_the_top_only(tmp_path):
    """In a function they are no Python, though the parser takes them: what may be skipped says nothing."""
    harness.assert_scan_agrees("def f():\n    from x import *\n\n\n@job(add)\ndef g(): ...\n")


def test_a_condition_is_looked_at_once(tmp_path, monkeypatch):
    """However many calls stand in its body and in the rest: each `elif` stands in the one before."""
    from flake8_celery_tasks.frameworks import django_transactions

    asked = []
    real = django_transactions.attributes_in
    monkeypatch.setattr(django_transactions, "attributes_in", lambda node: asked.append(node) or real(node))
    branches = "".join(f"    elif x == {number}:\n        add.delay({number})\n" for number in range(50))
    text = f"from shop.tasks import add\n\n\ndef send(x):\n    if not x:\n        pass\n{branches}"
    tasks = "from celery import shared_task\n\n\n@shared_task(name='add')\ndef add(x): ...\n"
    assert codes(tmp_path, {"shop/tasks.py": tasks, "shop/views.py": text}) == []
    assert {asked.count(node) for node in asked} == {1}


def test_columns_are_characters(shop):
    text = 'from celery import shared_task\n\n\ndef f():\n    "é"; g = shared_task(name="ééé", bind=1); h = 1\n'
    text += '\n\n@shared_task(name="öö", bind=True)\ndef a():\n    pass\n'
    (shop / "shop/umlaut.py").write_text(text, encoding="utf-8")
    lines = run(shop, "--select=CLY201", "shop/umlaut.py")
    assert lines[0].startswith("shop/umlaut.py:8:25:")


def test_a_folder_called_tasks_py(shop):
    (shop / "shop/tasks.py").mkdir()
    (shop / "shop/use.py").write_text("from shop.tasks import a\n\na.delay()\n")
    assert [line.split(" ")[0] for line in run(shop, "--select=CLY")] == [VIEWS]


def test_a_syntax_error_makes_names_unknown(shop):
    (shop / "content/tasks.py").write_text("def (:\n")
    lines = run(shop, "--select=CLY,E9")
    assert [line.split(" ")[1] for line in lines] == ["E999", "CLY401"]
    assert "the name of 'index'" in lines[1]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_round_and_round(shop):
    (shop / "shop/loop").symlink_to(shop, target_is_directory=True)
    (shop / "shop/self.py").symlink_to(shop / "shop/self.py")
    (shop / "shop/gone.py").symlink_to(shop / "nowhere.py")
    (shop / "shop/tasks.py").write_text(BAD.replace("name=", "acks_on_timeout=False, name="))
    lines = run(shop, "--select=CLY", "shop/tasks.py", "shop/views.py")
    assert [line.split(" ")[1] for line in lines] == ["CLY101", "CLY301", "CLY201", "CLY202", "CLY401"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_names_of_files_that_are_no_text(shop):
    """flake8 can't print such a path, but can that of a file which is told of it."""
    odd = os.fsdecode(b"\xff.py")
    write(shop, {"shop/tasks.py": BAD, f"shop/{odd}": BAD, odd: BAD})
    found = {item.code: item.text for item in findings(shop, "shop/tasks.py")}
    assert "used at \\udcff.py:10" in found["CLY102"]
    assert len(run(shop, "--select=CLY", "shop/tasks.py")) == 4
    assert findings(shop, odd)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(shop):
    (shop / "content/tasks.py").chmod(0)
    assert [line.split(" ")[1] for line in run(shop, "--select=CLY", "shop")] == ["CLY401"]


def test_a_file_that_is_no_regular_file(shop):
    if hasattr(os, "mkfifo"):
        os.mkfifo(shop / "content/pipe.py")
        (shop / "shop/use.py").write_text("from content.pipe import a\n\na.delay()\n")
    assert [line.split(" ")[0] for line in run(shop, "--select=CLY", "shop")] == [VIEWS.removeprefix("./")]


def test_a_huge_file_of_the_project_is_unknown(tmp_path, monkeypatch):
    """Whether it is checked itself or not, and only if it may hold what is asked for."""
    from flake8_celery_tasks.engine import session
    from flake8_celery_tasks.workspace import files

    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    text = HIDDEN["shop/tasks.py"].replace("here", "gone")
    huge = text + "x = 'task'\n" * 100
    for content, expected in ((huge, []), ("x = 'task'\n" * 100, ["CLY403"]), ("x = 1\n" * 400, ["CLY403"])):
        write(tmp_path, {**HIDDEN, "shop/hidden.py": content})
        for names in (["shop/views.py"], ["shop/hidden.py", "shop/views.py"], ["shop/views.py", "shop/hidden.py"]):
            session.forget()
            found = [item.code for name in names for item in findings(tmp_path, name)]
            assert found == expected, (content[-10:], names)
    monkeypatch.setattr(files, "SEARCHED_BYTES", 1000)
    assert codes(tmp_path, HIDDEN | {"shop/hidden.py": "x = 1\n" * 400}) == []
    known = session.open_project(str(tmp_path), harness.OPTIONS)
    assert known.files.read(str(tmp_path / "shop/hidden.py")) is None


HIDDEN = {
    "shop/views.py": "from celery import current_app\n\ncurrent_app.send_task('shop.tasks.gone')\n",
    "shop/tasks.py": "from celery import shared_task\n\n\n@shared_task(name='shop.tasks.here')\ndef here(): ...\n",
    "shop/hidden.py": "x = 1\n",
}


def test_what_a_file_that_cannot_be_read_could_hold_is_unknown(shop, monkeypatch, tmp_path_factory):
    """Whoever runs the tests: root reads what nobody else may."""
    from flake8_celery_tasks.core import regular
    from flake8_celery_tasks.engine import session
    from flake8_celery_tasks.workspace import cache

    read = regular.read

    def deny(path, *arguments):
        if str(path).endswith("hidden.py"):
            raise PermissionError(path)
        return read(path, *arguments)

    place = str(tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(cache, "folder", lambda: place)
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))
    with monkeypatch.context() as patch:
        patch.setattr(regular, "read", deny)
        assert codes(shop, HIDDEN) == []
    # Nor is it kept that there is nothing in it.
    session.forget()
    assert [violation.code for violation in findings(shop, "shop/views.py")] == ["CLY403"]


def test_what_a_folder_that_cannot_be_listed_could_hold_is_unknown(shop, monkeypatch, tmp_path_factory):
    from flake8_celery_tasks.engine import session
    from flake8_celery_tasks.workspace import cache, folders, layout

    real = os.scandir

    def deny(path):
        if str(path).endswith("secret"):
            raise PermissionError(path)
        return real(path)

    place = str(tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(cache, "folder", lambda: place)
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))
    (shop / "shop/secret").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(layout.os, "scandir", deny)
        assert codes(shop, {**HIDDEN, "pyproject.toml": ""}) == []
        assert folders.is_closed(str(shop / "shop/secret"))
    session.forget()
    assert not folders.is_closed(str(shop / "shop/secret"))
    assert not folders.is_closed(str(shop / "shop/nowhere"))
    assert [violation.code for violation in findings(shop, "shop/views.py")] == ["CLY403"]


@pytest.mark.parametrize(
    "text",
    [
        # What crashed once.
        "x = {({},): 1, ([],): 2, (1, ()): 3}\n@shared_task(name=x)\ndef a(): ...\n",
        "class A(Task):\n    name = 'a'\n    with x:\n        def run(self): ...\n",
        "class A(Task):\n    name = 'a'\n    run = x\n",
        "class A(Task):\n    name = 'a'\n    def other(self): ...\n    run = other\n",
    ],
)
def test_strange_definitions(tmp_path, text):
    head = "from celery import Task, shared_task\n"
    assert codes(tmp_path, {"shop/tasks.py": head + text}) == []
    assert all(
        code.startswith("CLY9") for code in codes(tmp_path, {"shop/tasks.py": head + text}, extend_select="CLY9")
    )


def test_a_method_run_in_a_block_is_the_one_that_runs(tmp_path):
    text = (
        "from celery import Celery, Task\n\napp = Celery()\n\n\nclass A(Task):\n    name = 'a'\n"
        "    if x:\n        def run(this): yield 1\n\n\napp.register_task(A())\n"
    )
    assert codes(tmp_path, {"shop/tasks.py": text}) == ["CLY511"]
