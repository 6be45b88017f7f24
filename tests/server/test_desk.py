"""What the desk sees: the same as `check`, with what is open in place of what is on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pygls")

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.server import diagnosis
from flake8_celery_tasks.server.desk import Unwanted
from flake8_celery_tasks.server.homes import folder_of
from flake8_celery_tasks.server.text import Text
from tests.helpers import ROOT
from tests.monorepo import lay_out
from tests.server.conftest import SHOP, TASKS, VIEWS
from tests.server.desks import Table


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Table(tmp_path / "project", SHOP)


def test_ranges_are_those_of_nodes(shop):
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]
    assert shop.found("content/tasks.py") == [("CLY211", "max_retries=5"), ("CLY301", "reject_on_worker_lost=True")]
    text = TASKS.replace('@shared_task(name="content.index", max_retries=5)', "@shared_task")
    assert shop.found("content/tasks.py", text)[0] == ("CLY101", "shared_task")


def test_the_same_as_check(shop):
    said = subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check"],
        cwd=shop.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    ).stdout
    found = [
        f"./{name}:{one.line}:{one.column + 1}: {one.code} {one.message}"
        for name in sorted(SHOP)
        for one in shop.problems(shop.open(name))
    ]
    assert sorted(said.splitlines()) == sorted(found)
    assert found


def test_a_file_whose_decorators_make_no_tasks(shop):
    assert shop.found("content/plain.py", "from content.views import view\n\n\n@view\ndef show(): ...\n") == []


def test_a_file_that_does_not_parse(shop):
    text = f"{VIEWS}\ndef broken(:\n"
    assert [code for code, _ in shop.found("content/views.py", text)] == ["E999"]
    assert shop.found("content/tasks.py", "def broken(:\n") == []  # as `check`: nothing of Celery's in it
    shop.open("content/tasks.py", f"{TASKS}\ndef broken(:\n")
    # What it defines is unknown then: nobody says that there is no such task.
    assert shop.found("content/views.py", VIEWS.replace("content.indx", "content.new")) == []


def test_what_is_open_counts(shop):
    assert shop.found("content/views.py", VIEWS.replace("indx", "index")) == []
    shop.open("content/tasks.py", TASKS.replace('name="content.index"', 'name="content.indx"'))
    assert shop.found("content/views.py", VIEWS) == [("CLY403", '"content.index"')]


def test_noqa_baseline_and_selection(shop):
    silent = VIEWS.replace('"content.indx", args=[pk])', '"content.indx", args=[pk])  # noqa: CLY403')
    assert shop.found("content/views.py", silent) == []
    (shop.folder / ".flake8").write_text("[flake8]\nper-file-ignores =\n    content/views.py: CLY403\n")
    assert shop.found("content/views.py") == []
    (shop.folder / ".flake8").write_text("[flake8]\nexclude = content\n")
    assert shop.found("content/views.py") == []
    (shop.folder / ".flake8").unlink()
    assert len(shop.found("content/views.py")) == 1
    subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check", "--write-baseline", "known.json"],
        cwd=shop.folder,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    (shop.folder / ".flake8").write_text("[flake8]\ncelery-baseline = known.json\n")
    assert shop.found("content/views.py") == []
    assert shop.desk.named() == {shop.path("known.json")}
    (shop.folder / "known.json").write_text('{"version": 1, "findings": []}')
    assert len(shop.found("content/views.py")) == 1


def test_a_broken_configuration_is_told_once(shop):
    (shop.folder / ".flake8").write_text("[flake8]\ncelery-baseline = missing.json\n")
    assert shop.found("content/views.py") == []
    assert shop.found("content/views.py") == []
    assert len(shop.told) == 1
    assert "celery-baseline" in shop.told[0]
    assert shop.sight(shop.open("content/views.py")) is None
    (shop.folder / ".flake8").write_text("[flake8]\n")
    assert len(shop.found("content/views.py")) == 1


def test_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    table = Table(tmp_path / "project", SHOP, ignore=("CLY403",), extend_select=("CLY9",))
    assert {code for code, _ in table.found("content/tasks.py")} > {"CLY301", "CLY211"}
    assert "CLY403" not in {code for code, _ in table.found("content/views.py")}
    silent = Table(tmp_path / "project", SHOP, enable=False)
    assert silent.found("content/views.py") == []


def test_a_rule_that_crashes_costs_its_own_findings(shop, monkeypatch):
    rule = next(one for one in loader.wanted() if one.code == "CLY403")

    def crash(_):
        raise RuntimeError("of no use")

    monkeypatch.setattr(type(rule), "check", lambda self, fact: crash(fact))
    assert shop.found("content/views.py") == []
    assert shop.found("content/tasks.py") == [("CLY211", "max_retries=5"), ("CLY301", "reject_on_worker_lost=True")]
    said = shop.logged[0]
    assert "views.py" in said
    assert "CLY403" in said
    assert "RuntimeError: of no use" in said


def test_files_that_change_on_disk(shop):
    assert len(shop.found("content/views.py")) == 1
    (shop.folder / "content/tasks.py").write_text(TASKS.replace("content.index", "content.indx"))
    shop.desk.changed_on_disk([shop.path("content/tasks.py")], shop.buffers)
    assert shop.found("content/views.py") == [("CLY403", '"content.index"')]
    # A file that is open says what the editor says, until it is closed.
    shop.open("content/tasks.py", TASKS)
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]
    del shop.buffers[shop.path("content/tasks.py")]
    shop.desk.closed(shop.path("content/tasks.py"))
    assert shop.found("content/views.py") == [("CLY403", '"content.index"')]
    (shop.folder / "content/tasks.py").write_text(TASKS)
    shop.desk.closed(shop.path("content/tasks.py"))
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]


def test_a_buffer_that_is_no_file(shop):
    assert shop.found("stdin", VIEWS) == [("CLY403", '"content.indx"')]
    assert shop.path("stdin") not in shop.buffers


def test_nobody_waits(shop):
    buffer = shop.open("content/views.py")
    shop.desk.is_wanted = lambda: False
    with pytest.raises(Unwanted):
        shop.problems(buffer)
    shop.desk.unwanted()
    shop.desk.is_wanted = lambda: True
    assert len(shop.problems(buffer)) == 1


def test_memory_stays_flat(shop):
    def kept():
        base = next(iter(shop.desk._sights.values()))[0]
        return len(base.answers), [len(module.answers) for module in base.modules_known()]

    for number in range(30):
        shop.found("content/views.py", f"{VIEWS}# {number}\n")
        if number == 3:
            before = kept()
    assert kept() == before


def test_a_service_has_its_own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = lay_out(tmp_path / "project")
    own = {name: str(folder / f"services/{name}/{name}/tasks.py") for name in ("mail", "pay")}
    for name, path in own.items():
        assert folder_of(path, [str(folder)]) == str(folder / f"services/{name}")
    assert folder_of(str(folder / "tools/tasks.py"), [str(folder)]) == str(folder)
    assert folder_of(own["pay"], []) == str(folder / "services/pay")
    # Above what the client has open nothing is looked for.
    (folder / "pyproject.toml").write_text("[tool.flake8-celery-tasks]\n")
    assert folder_of(str(folder / "tools/tasks.py"), [str(folder / "tools")]) == str(folder / "tools")
    (folder / "services/pay/pyproject.toml").write_text("[tool.flake8-celery-tasks\n")
    assert folder_of(own["pay"], [str(folder)]) == str(folder / "services/pay")


def test_what_was_found_in_a_file_on_disk_is_kept(shop):
    path = shop.path("content/tasks.py")
    found = shop.sight(shop.open("content/views.py")).uses(path)
    assert found
    sight = shop.sight(shop.open("content/views.py", f"{VIEWS}    print(1)\n"))
    assert sight.uses(path) is found  # the same is said to others
    sight = shop.sight(shop.open("content/views.py", f"{VIEWS}\n\nx = 1\n"))
    assert sight.uses(path) is not found
    assert sight.uses(path) == found


def test_files_that_say_nothing(shop):
    (shop.folder / "content/broken.py").write_text("@shared_task\ndef (:\n")
    (shop.folder / "content/binary.py").write_bytes(b"# coding: no-such\n@shared_task\n")
    sight = shop.sight(shop.open("content/views.py"))
    assert [sight.uses(shop.path(f"content/{name}.py")) for name in ("broken", "binary", "missing")] == [[], [], []]
    assert sight.text(shop.path("content/binary.py")) is None
    assert sight.text(shop.path("content/broken.py")).text.startswith("@shared_task")


def test_one_more_file_at_a_time(shop):
    sight = shop.sight(shop.open("content/views.py"))
    assert [shop.desk.prepare() for _ in range(len(SHOP) + 1)] == [True] * len(SHOP) + [False]
    assert {*sight._uses} == {shop.path(name) for name in SHOP}


def test_what_was_found_out_is_saved_once(shop, monkeypatch):
    shop.found("content/views.py")
    ((base, _, _),) = shop.desk._sights.values()
    saved = []
    monkeypatch.setattr(base, "save", lambda: saved.append(base))
    shop.desk.save()
    shop.desk.save()
    assert saved == [base]


def test_nothing_is_saved_of_a_project_that_was_not_searched(shop, monkeypatch):
    shop.sight(shop.open("content/views.py"))
    ((base, _, _),) = shop.desk._sights.values()
    monkeypatch.setattr(type(base), "save", lambda _: pytest.fail("saved"))
    monkeypatch.setattr(type(base.files.disk), "is_searched", False)
    shop.desk.save()
    assert shop.desk._saved == set()


def test_files_that_are_saved_as_they_are_open(shop):
    sight = shop.sight(shop.open("content/views.py"))
    shop.desk.changed_on_disk([shop.path("content/views.py")], shop.buffers)
    assert shop.sight(shop.buffers[shop.path("content/views.py")]) is sight
    shop.desk.closed(shop.path("content/views.py"))  # on disk is what was read
    shop.desk.closed(shop.path("content/missing.py"))
    assert shop.sight(shop.buffers[shop.path("content/views.py")]) is sight


def test_a_configuration_that_changes(shop):
    assert len(shop.found("content/views.py")) == 1
    home = shop.desk.home(shop.path("content/views.py"))
    assert shop.desk.home(shop.path("content/tasks.py")) is home
    shop.desk.changed_on_disk([shop.path("tox.ini")], shop.buffers)
    assert shop.desk.home(shop.path("content/views.py")) is not home


def test_the_folder_whose_configuration_applies(tmp_path):
    (tmp_path / "project/content").mkdir(parents=True)
    (tmp_path / "project/pyproject.toml").touch()
    file = str(tmp_path / "project/content/tasks.py")
    outer, inner = str(tmp_path / "project"), str(tmp_path / "project/content")
    assert folder_of(file, [outer, inner, str(tmp_path / "project/con")]) == inner
    assert folder_of(file, []) == outer
    alone = Path(tmp_path.anchor, "no-such-folder")
    assert folder_of(str(alone / "tasks.py"), []) == str(alone)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the working directory of a process")
def test_a_working_directory_that_has_gone(shop, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert len(shop.found("content/views.py")) == 1


def test_facts_that_crash_cost_the_rules_about_them(shop, monkeypatch):
    of, wrong = Facts.of, next(one for one in loader.wanted() if one.code == "CLY403").kinds

    def crash(self, kind):
        if kind in wrong:
            raise RuntimeError("of no use")
        return of(self, kind)

    monkeypatch.setattr(Facts, "of", crash)
    assert shop.found("content/views.py") == []
    assert len(shop.found("content/tasks.py")) == 2
    logged = "\n".join(shop.logged)
    assert [kind for kind in wrong if f"facts of {kind.__name__} has crashed" not in logged] == []


# Ranges.


@pytest.mark.parametrize(
    ("text", "mark", "meant"),
    [
        ("f(a=1, b=2)\n", "|a=1", "a=1"),
        ("f(a=1, b=2)\n", "|f(a", "f(a=1, b=2)"),
        ("x = a and b\n", "|a and", "a"),
        ("def f(x): ...\n", "|f(x)", "f"),
        ("class Kept: ...\n", "|Kept", "Kept"),
        ("def f(one, two): ...\n", "|two", "two"),
        ("from a import one, two\n", "|two", "two"),
        ("def f():\n    return 1\n", "|return", "return 1"),
        ("for x in y:\n    pass\n", "|for", "for x in y:"),
        ("try:\n    pass\nexcept E:\n    pass\n", "|except", "except E:"),
        ("x = 1  # why\n", "|# why", "# why"),
        ("x = (1,\n     2)\n", "|(1,", "(1,"),
        ("x = 1\n\n", "\n|\n", ""),
    ],
)
def test_the_range_of_a_report(text, mark, meant):
    start = text.index(mark.replace("|", "")) + mark.index("|")
    place = Text(text).place(start)
    (found,) = diagnosis._located(Text(text), [(place.line + 1, place.column, "CLY101", "wrong")])
    assert (found.start, text[found.start : found.end]) == (start, meant)


def test_the_range_of_a_report_behind_a_byte_order_mark(shop):
    assert shop.found("content/views.py", f"\ufeff{VIEWS}")[0][0] == "CLY403"


@pytest.mark.parametrize(
    ("text", "code", "end"), [("", "CLY101", 0), ("", "E902", 0), ("x = 1\n", "CLY101", 1), ("x = 1\n", "E902", 5)]
)
def test_a_report_about_a_whole_file(text, code, end):
    (found,) = diagnosis._located(Text(text), [(0, -1, code, "wrong")])
    assert (found.start, found.end) == (0, end)


def test_a_file_that_is_open_and_not_saved_yet(shop):
    known = TASKS.replace("content.index", "content.indx").replace("content.clean", "content.sweep")
    buffer = shop.open("content/more.py", known)
    assert shop.found("content/views.py") == []
    del shop.buffers[buffer.path]
    shop.buffers[str(shop.folder.parent / "more.py")] = buffer._replace(path=str(shop.folder.parent / "more.py"))
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]  # of another project


SETTINGS = "INSTALLED_APPS = []\nCELERY_TASK_TIME_LIMIT = 5\n"
READS = """\
from celery import shared_task
from django.conf import settings


@shared_task(name="content.limit")
def limit():
    return settings.CELERY_TASK_TIME_LIMIT
"""


def test_settings_in_open_files(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shop = Table(tmp_path / "project", {**SHOP, "content/settings.py": SETTINGS, "content/limits.py": READS})
    assert "CLY815" not in [code for code, _ in shop.found("content/limits.py")]
    shop.open("content/settings.py", SETTINGS.replace("TIME", "SOFT_TIME"))
    assert ("CLY815", "settings.CELERY_TASK_TIME_LIMIT") in shop.found("content/limits.py")
    shop.open("content/settings.py", SETTINGS.replace("CELERY", "from content.plain import CELERY"))
    shop.open("content/settings.py", "from content.other import CELERY_TASK_TIME_LIMIT\nINSTALLED_APPS = []\n")
    assert "CLY815" not in [code for code, _ in shop.found("content/limits.py")]
    shop.open("content/settings.py", "CELERY_TASK_SOFT_TIME_LIMIT = 5\n")  # these are no settings of Django's
    assert "CLY815" not in [code for code, _ in shop.found("content/limits.py")]


def test_a_text_is_not_read_in_the_encoding_of_its_file(shop):
    head = "# -*- coding: latin-1 -*-\n"
    shop.open("content/tasks.py", head + TASKS.replace("content.index", "content.köln"))
    views = VIEWS.replace("content.index", "content.köln")
    assert shop.found("content/views.py", views.replace("content.indx", "content.köln")) == []
    assert shop.found("content/views.py", views.replace("content.indx", "content.kölm")) == [
        ("CLY403", '"content.kölm"')
    ]


def test_a_text_with_a_byte_order_mark(shop):
    assert shop.found("content/views.py", "\ufeff" + VIEWS) == [("CLY403", '"content.indx"')]
