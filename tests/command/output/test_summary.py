"""The last line on standard error."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

UNKNOWN = "from acme import job\n\n\n@job(acks_late=True)\ndef a(): ...\n"


@pytest.fixture
def said(capfd):
    def run(*arguments):
        session.forget()
        session.save()
        capfd.readouterr()
        main(arguments)
        return capfd.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "Found 4 problems in 2 files (up to 2 fixable with fix, 2 more with fix --unsafe); 3 tasks in 2 files."),
        (["shop/views.py"], "Found 1 problem in 1 file (up to 1 fixable with fix --unsafe); 0 tasks in 0 files."),
        (["--select=CLY101"], "Found 1 problem in 1 file (up to 1 fixable with fix); 3 tasks in 2 files."),
        (["content/tasks.py"], "No problems found; 1 task in 1 of 1 file."),
        (["--select=CLY8"], "No problems found; 3 tasks in 2 of 5 files."),
        (
            ["--output-format=sarif", "--fixes"],
            "Found 4 problems in 2 files (2 fixable with fix, 1 more with fix --unsafe); 3 tasks in 2 files.",
        ),
    ],
)
def test_check(shop, said, arguments, line):
    assert said("check", *arguments) == f"{line}\n"
    assert said("check", *arguments) == f"{line}\n", "the same when it is known"


def test_what_has_no_fix(shop, said):
    write(shop, {"shop/more.py": "from celery import shared_task\n\n\n@shared_task(name='x')\nasync def x(): ...\n"})
    assert said("check", "shop/more.py") == "Found 1 problem in 1 file; 1 task in 1 file.\n"
    (shop / "shop/more.py").write_text("import celery\n(\n")
    assert "Found 1 problem in 1 file; 0 tasks in 0 files.\n" in said("check", "--select=E9", "shop/more.py")


def test_decorators_that_are_not_recognised(shop, said):
    (shop / "shop/views.py").write_text(UNKNOWN)
    assert said("check", "shop/views.py") == (
        "No problems found; 0 tasks in 0 of 1 file. 1 decorator has Celery's keywords and can't be resolved: acme.job "
        "at shop/views.py:4 (name it with --celery-task-decorators=acme.job if it makes tasks).\n"
    )
    (shop / "content/jobs.py").write_text(UNKNOWN)
    text = said("check")
    assert "2 decorators have Celery's keywords and can't be resolved, such as acme.job at ./content" in text
    assert "0 tasks in 0 files" not in said("check", "--celery-task-decorators=acme.job")


def test_a_decorator_without_a_name(shop, said):
    (shop / "shop/views.py").write_text("def b(app):\n    @app.task(bind=True)\n    def a(self): ...\n")
    line = "No problems found; 0 tasks in 0 of 1 file. 1 decorator has Celery's keywords and can't be resolved: at "
    assert said("check", "shop/views.py") == f"{line}shop/views.py:2.\n"
    (shop / "content/jobs.py").write_text("def b(app):\n    @app.task(bind=True)\n    def a(self): ...\n")
    text = said("check")
    assert "2 decorators have Celery's keywords and can't be resolved, such as the one at ./content/jobs.py:2." in text
    # One that an option can name is more useful, in the same file and in another one.
    (shop / "shop/views.py").write_text((shop / "shop/views.py").read_text() + UNKNOWN)
    text = said("check")
    assert "3 decorators have Celery's keywords and can't be resolved, such as acme.job at ./shop/views.py:7" in text


def test_they_are_known_from_the_last_run(shop, said, monkeypatch, tmp_path):
    """What was looked at is kept with what was found."""
    from flake8_celery_tasks.workspace import cache

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))
    (shop / "shop/views.py").write_text(UNKNOWN)
    first = said("check")
    session.save()
    assert list((tmp_path / "cache").rglob("*.found.json"))
    assert said("check") == first


@pytest.mark.parametrize("name", ["check", "fix", "tasks"])
@pytest.mark.parametrize("option", ["-q", "--quiet"])
def test_quiet(shop, said, name, option):
    assert said(name)
    assert not said(name, option)


def test_nothing_for_editors_and_where_nothing_is(shop, said, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"import celery\n")))
    assert not said("check", "-")
    (shop / "empty").mkdir()
    assert said("check", "empty") == "flake8-celery-tasks: no Python files in empty, apart from excluded ones\n"


def test_fix_and_tasks(shop, said):
    assert said("tasks") == "3 tasks in 2 files.\n"
    assert said("fix", "--diff") == "Would fix 2 problems in 1 file.\n"
    assert said("fix") == "Fixed 2 problems in 1 file.\n"
    assert said("fix") == "Fixed 0 problems in 0 files.\n"
