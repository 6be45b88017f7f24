"""What was found is taken from the last run where nothing has changed, and from nowhere else."""

from __future__ import annotations

import ast
import os
import types

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import findings_cache, judge, run, session
from flake8_celery_tasks.engine.check import violations
from flake8_celery_tasks.engine.seen import Seen
from flake8_celery_tasks.plugin import Plugin
from flake8_celery_tasks.workspace import cache, folders
from tests.helpers import write

TASKS = """\
from celery import shared_task


@shared_task(bind=True)
def send(order): ...
"""
VIEWS = """\
from celery import current_app

current_app.send_task("shop.tasks.gone")
current_app.send_task("shop.tasks.sent")
"""
FILES = {
    "shop/tasks.py": TASKS,
    "shop/views.py": VIEWS,
    "shop/plain.py": "x = 1\n",
    "inner/pyproject.toml": "",
    "inner/task.py": "y = 1\n",
    "legacy/old.py": "import celery\n@celery.shared_task(name='shop.tasks.sent')\ndef sent(): ...\n",
}

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))  # as if all files were old
    monkeypatch.setattr(Plugin, "told", run.Run(excluded=("*/legacy",)))
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, FILES)
    return folder


class Run:
    """One run over some files: what was found, and in which of them it had to be looked for."""

    def __init__(self, shop, *names, buffer=None, during=None):
        session.forget()
        self.looked_at = []
        self.found = {}
        known = judge.check
        for name in names or ("shop/tasks.py", "shop/views.py"):
            path = shop / name
            text = path.read_text("utf-8") if buffer is None else buffer
            judge.check = lambda *given, name=name: self.looked_at.append(name) or known(*given)
            try:
                self.found[name] = violations(Plugin.told, str(path), text.splitlines(keepends=True), ast.parse(text))
            finally:
                judge.check = known
        if during is not None:
            during()
        session.save()


def test_nothing_is_looked_for_twice(shop):
    first, again = Run(shop), Run(shop)
    assert first.looked_at == ["shop/tasks.py", "shop/views.py"]
    assert not again.looked_at
    assert again.found == first.found
    assert [item.code for found in again.found.values() for item in found] == ["CLY101", "CLY201", "CLY202", "CLY403"]


def rewrite(path, old, new):
    before = path.stat()
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = {
    "another file": lambda shop: rewrite(shop / "shop/plain.py", "1", "2"),
    "a new file": lambda shop: (shop / "shop/new.py").touch(),
    "a file less": lambda shop: (shop / "shop/plain.py").unlink(),
    "another name": lambda shop: (shop / "shop/plain.py").rename(shop / "shop/simple.py"),
    "a new folder": lambda shop: (shop / "gone").mkdir(),
    "a new root": lambda shop: (shop / "shop/setup.cfg").touch(),
    "a root less": lambda shop: (shop / "inner/pyproject.toml").unlink(),
    "a file in a folder that is no part": lambda shop: (shop / "inner/more.py").touch(),
    "a file that is excluded": lambda shop: rewrite(shop / "legacy/old.py", "sent", "came"),
    "the same text anew": lambda shop: os.utime(shop / "shop/plain.py"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_of_the_project_is_seen(shop, change):
    Run(shop)
    change(shop)
    assert Run(shop).looked_at == ["shop/tasks.py", "shop/views.py"]
    assert not Run(shop).looked_at


def test_a_task_that_an_excluded_file_loses(shop):
    assert len(Run(shop).found["shop/views.py"]) == 1
    CHANGES["a file that is excluded"](shop)
    assert len(Run(shop).found["shop/views.py"]) == 2


def test_the_text_itself(shop):
    Run(shop)
    text = VIEWS.replace("gone", "lost")
    assert "lost" in Run(shop, "shop/views.py", buffer=text).found["shop/views.py"][0].text
    assert not Run(shop).looked_at


def test_the_version_that_the_project_pins(shop):
    (shop / "shop/views.py").write_text("from celery.schedules import crontab\n\ncrontab(0, 0, month_of_year='jan')\n")
    assert not Run(shop).found["shop/views.py"]
    for version, codes in (("5.4.0", ["CLY802"]), ("5.6.2", [])):
        (shop / "requirements.txt").write_text(f"celery=={version}\n", "utf-8")
        assert [item.code for item in Run(shop).found["shop/views.py"]] == codes
        assert not Run(shop).looked_at


def pinned(shop):
    """Return what is found in a file that is right from Celery 5.5 on, and whether it had to be looked for."""
    run = Run(shop, "shop/views.py")
    assert not Run(shop, "shop/views.py").looked_at
    return [item.code for item in run.found["shop/views.py"]], bool(run.looked_at)


#: Where the version may be pinned, from the root of the project, and how.
PINS = {
    "requirements.txt": "celery=={}",
    "requirements/base.txt": "celery=={}",
    "requirements/deep/base.txt": "celery=={}",
    "backend/requirements.txt": "celery=={}",
    "inner/requirements.txt": "celery=={}",
    "legacy/requirements.txt": "celery=={}",
    "../requirements.txt": "celery=={}",
    "../deps/base.txt": "celery=={}",
    "../beside/constraints.txt": "celery=={}",
    "uv.lock": '[[package]]\nname = "celery"\nversion = "{}"',
    "../poetry.lock": '[[package]]\nname = "celery"\nversion = "{}"',
    "Pipfile.lock": '{{"default": {{"celery": {{"version": "=={}"}}}}}}',
    "pyproject.toml": "[project]\ndependencies = ['celery=={}']",
    "setup.py": "setup(install_requires=['celery=={}'])",
    "environment.yml": "- celery={}",
}


@pytest.mark.parametrize("name", PINS)
def test_where_the_version_is_pinned(shop, tmp_path, name):
    """The file appears, changes, and is gone again."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "cache").mkdir()
    (shop / "shop/views.py").write_text("from celery.schedules import crontab\n\ncrontab(0, 0, month_of_year='jan')\n")
    assert pinned(shop) == ([], True)
    (shop / name).parent.mkdir(parents=True, exist_ok=True)
    (shop / name).write_text(PINS[name].format("5.4.0"), "utf-8")
    assert pinned(shop) == (["CLY802"], True)
    rewrite(shop / name, "5.4.0", "5.6.2")
    assert pinned(shop) == ([], True)
    rewrite(shop / name, "5.6.2", "5.3.4")
    assert pinned(shop) == (["CLY802"], True)
    if name == "pyproject.toml":
        (shop / name).write_text("", "utf-8")
    else:
        (shop / name).unlink()
    assert pinned(shop) == ([], True)


def test_a_list_that_another_includes(shop, tmp_path):
    (shop / "shop/views.py").write_text("from celery.schedules import crontab\n\ncrontab(0, 0, month_of_year='jan')\n")
    (shop / "requirements.txt").write_text("-r ../lists/queue.list", "utf-8")
    assert pinned(shop) == ([], True)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/queue.list").write_text("celery==5.4.0", "utf-8")
    assert pinned(shop) == (["CLY802"], True)
    rewrite(tmp_path / "lists/queue.list", "5.4.0", "5.6.2")
    assert pinned(shop) == ([], True)


def test_the_root_of_a_repository(shop, tmp_path):
    """It says how far up requirements are looked for."""
    (shop / "shop/views.py").write_text("from celery.schedules import crontab\n\ncrontab(0, 0, month_of_year='jan')\n")
    (tmp_path / "beside").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "beside/requirements.txt").write_text("celery==5.4.0", "utf-8")
    assert pinned(shop) == ([], True)
    (tmp_path / ".git").mkdir()
    assert pinned(shop) == (["CLY802"], True)
    (shop / ".hg").mkdir()
    assert pinned(shop) == ([], True)


def told(patch, **changed):
    patch.setattr(Plugin, "told", Plugin.told._replace(**changed))


SETTINGS = {
    "options": lambda patch: told(patch, options=Options(celery_apps=("shop",))),
    "opt-in rules": lambda patch: told(patch, opted=("CLY9",)),
    "excludes": lambda patch: told(patch, excluded=("*/inner",)),
    "version": lambda patch: patch.setattr(findings_cache, "__version__", "0"),
    "Python": lambda patch: patch.setattr(findings_cache.sys, "version_info", (3, 99, 0)),
    "code": lambda patch: patch.setattr(findings_cache, "own_code", types.SimpleNamespace(state=lambda: "other")),
}


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_any_other_way_to_look_is_seen(shop, monkeypatch, change):
    Run(shop)
    change(monkeypatch)
    assert Run(shop).looked_at


def test_what_does_not_matter(shop):
    Run(shop)
    (shop / "shop/__pycache__").mkdir()
    (shop / "shop/log.txt").touch()
    (shop / ".hidden").mkdir()
    assert not Run(shop).looked_at


def test_runs_over_parts_add_up(shop):
    Run(shop, "shop/tasks.py")
    Run(shop, "shop/views.py")
    assert not Run(shop).looked_at
    CHANGES["another file"](shop)
    Run(shop, "shop/tasks.py")
    assert Run(shop).looked_at == ["shop/views.py"]


ASKS = """\
from legacy.old import sent
from celery import current_app

sent.delay(1)
current_app.send_task("shop.tasks.send", (1, 2, 3))
"""


@pytest.mark.parametrize("between", [False, True])
def test_what_others_have_read_counts_for_all_that_is_kept(shop, between):
    """A run over a part that did not need an excluded file must not make the next one forget it."""
    (shop / "shop/uses.py").write_text(ASKS, "utf-8")
    (shop / "shop/alone.py").write_text(TASKS.replace("send", "alone"), "utf-8")
    found = Run(shop, "shop/uses.py").found["shop/uses.py"]
    if between:
        rewrite(shop / "legacy/old.py", "def sent():", "def sent(a):")
    Run(shop, "shop/alone.py")
    if not between:
        rewrite(shop / "legacy/old.py", "def sent():", "def sent(a):")
    again = Run(shop, "shop/uses.py")
    assert again.looked_at
    assert [item.code for item in again.found["shop/uses.py"]] != [item.code for item in found]


def test_folders_beside_a_root_that_is_a_package(shop, tmp_path):
    (shop / "__init__.py").touch()
    (tmp_path / "beside").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "beside/__init__.py").touch()
    (shop / "shop/uses.py").write_text(ASKS.replace("legacy.old", "beside.old"), "utf-8")
    Run(shop, "shop/uses.py")
    assert not Run(shop, "shop/uses.py").looked_at
    (tmp_path / "beside/old.py").touch()
    assert Run(shop, "shop/uses.py").looked_at


@pytest.mark.parametrize("name", ["beside", ".git", "manage.py"])
def test_what_stands_beside_a_project_is_anybodys(shop, tmp_path, name):
    """Unless there is a repository around both, or a script that says where its modules are."""
    (tmp_path / "cache").mkdir()
    (shop / "shop/uses.py").write_text(ASKS.replace("legacy.old", "beside.old"), "utf-8")
    Run(shop, "shop/uses.py")
    assert not Run(shop, "shop/uses.py").looked_at
    (tmp_path / name).touch() if name == "manage.py" else (tmp_path / name).mkdir()
    assert bool(Run(shop, "shop/uses.py").looked_at) == (name != "beside")
    assert not Run(shop, "shop/uses.py").looked_at
    (tmp_path / "new").mkdir()
    assert bool(Run(shop, "shop/uses.py").looked_at) == (name != "beside")


def test_without_a_question_about_the_project(shop, tmp_path):
    """Not worth a look at all files, only to keep it."""
    known = session.open_project(str(shop), Options())
    kept = session.findings_of(known, ())
    kept.note(str(shop / "shop/tasks.py"), TASKS, [], Seen())
    session.save()
    assert known.files.disk.known_stamps is None
    assert not (tmp_path / "cache").exists()
    assert session.findings_of(known, ()) is kept


def test_what_may_change_again_unnoticed_is_not_kept(shop, monkeypatch):
    monkeypatch.setattr(cache, "RACY_NS", 2_000_000_000)
    Run(shop)
    assert Run(shop).looked_at


def test_what_changes_during_the_run_is_not_kept(shop):
    Run(shop, during=lambda: None)
    CHANGES["another file"](shop)

    def during():
        rewrite(shop / "shop/tasks.py", "order", "basket")
        session._projects[next(iter(session._projects))].files.disk._read[str(shop / "shop/tasks.py")] = None

    Run(shop, during=during)
    assert Run(shop).looked_at


def test_buffers_are_not_kept(shop):
    Run(shop, "shop/tasks.py", buffer=TASKS.replace("send", "sent"))
    assert Run(shop).looked_at


def test_broken_files_are_no_results(shop, tmp_path):
    wanted = Run(shop).found
    (path,) = (tmp_path / "cache").glob("*.found.json")
    whole = path.read_bytes()
    for size in {*range(0, len(whole), 97), len(whole) - 1}:
        path.write_bytes(whole[:size])
        assert Run(shop).found == wanted
    cache.write(str(path), {"found": {}})
    assert Run(shop).found == wanted
    assert not Run(shop).looked_at


def test_truncated_anywhere(shop, tmp_path):
    """Both files: what is left of them is nothing, however much it is."""
    Run(shop)
    files = sorted(path for path in (tmp_path / "cache").iterdir() if not path.name.endswith(".rules.json"))
    assert len(files) == 2
    for path in files:
        whole = path.read_bytes()
        assert cache.read(str(path))
        for size in range(len(whole)):
            os.truncate(path, len(whole) - 1 - size)
            assert cache.read(str(path)) == {}
        path.write_bytes(whole + b"}")
        assert cache.read(str(path)) == {}


def test_no_cache(shop, tmp_path, monkeypatch):
    told(monkeypatch, options=Options(celery_no_cache=True))
    Run(shop)
    assert Run(shop).looked_at
    assert not (tmp_path / "cache").exists()


def test_a_file_outside(shop, tmp_path, monkeypatch):
    told(monkeypatch, options=Options(celery_project_root=str(shop)))
    (tmp_path / "tasks.py").write_text(TASKS, "utf-8")
    Run(shop, "../tasks.py")
    assert Run(shop, "../tasks.py").looked_at


def test_only_folders_around_the_project_count(shop, tmp_path):
    Run(shop)
    (tmp_path / "elsewhere").mkdir()
    folders.entries(str(tmp_path / "elsewhere"))
    known = next(iter(session._projects.values()))
    further = set(findings_cache.FindingsCache(known, ())._further_folders())
    assert str(shop / "inner") in further
    assert str(tmp_path / "elsewhere") not in further
