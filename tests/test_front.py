"""The command next to flake8: the same lines, whatever the configuration."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from functools import partial
from pathlib import Path

import pytest

from flake8_celery_tasks.command import pool
from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.flake8_host import checker
from flake8_celery_tasks.flake8_host.configuration import _table, options_for
from flake8_celery_tasks.plugin import Plugin
from tests.helpers import write
from tests.test_flake8 import BAD, PROJECT

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

EXAMPLE = Path(__file__).parent.parent / "docs" / "example"

ALL = ["./shop/tasks.py:4:2:", "./shop/tasks.py:9:24:", "./shop/tasks.py:10:5:", "./shop/views.py:1:27:"]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(capfd):
    def run(*arguments):
        session.forget()
        capfd.readouterr()
        code = main(["check", *arguments])
        out, err = capfd.readouterr()
        assert not err
        assert code == bool(out)
        return out.splitlines()

    return run


@pytest.fixture
def refused(capfd):
    """Run the command with something wrong and return the one line that it says."""

    def run(*arguments):
        capfd.readouterr()
        assert main(["check", *arguments]) == 2
        out, err = capfd.readouterr()
        assert not out
        assert err.startswith("flake8-celery-tasks: error: ")
        assert err.count("\n") == 1
        return err.removeprefix("flake8-celery-tasks: error: ").rstrip()

    return run


def flake8(*arguments, stdin=None):
    done = subprocess.run(
        [sys.executable, "-m", "flake8", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert not done.stderr
    return done.stdout.splitlines()


def places(lines):
    return [line.partition(" ")[0] for line in lines]


# The same as flake8.


@pytest.mark.parametrize(
    "arguments",
    [
        ["--select=CLY"],
        ["--select=CLY1,CLY4"],
        ["--select=CLY,CLY9"],
        ["--select=CLY", "--extend-select=CLY903"],
        ["--select=CLY9"],
        ["--select=CLY", "--enable-extensions=CLY901"],
        ["--select=CLY", "--ignore=CLY2"],
        ["--select=CLY2", "--ignore=CLY"],
        ["--select=CLY", "--extend-ignore=CLY101,CLY4"],
        ["--select=CLY", "--per-file-ignores=shop/tasks.py:CLY2 views.py:CLY4"],
        ["--select=CLY", "--exclude=shop/tasks.py"],
        ["--select=CLY", "--extend-exclude=content"],
        ["--select=CLY", "--filename=view*"],
        ["--select=CLY", "--filename=*/view*"],
        ["--select=CLY", "shop/views.py", "shop/tasks.py", "shop"],
        ["--select=CLY", "."],
        ["--select=CLY", "--format=pylint"],
        ["--select=CLY", "--format=%(code)s at %(path)s"],
        ["--select=CLY", "-q"],
        ["--select=CLY", "-qq", "--count"],
        ["--select=CLY", "--show-source"],
        ["--select=CLY", "--statistics", "--count"],
        ["--select=CLY", "--color=always"],
        ["--select=CLY", "-j1"],
        ["--select=CLY", "--celery-bind-requires-retry=yes", "--celery-test-paths=shop/"],
        ["--select=CLY", "--isolated"],
        ["--select=CLY,E9"],
    ],
)
def test_same_lines_for_the_same_arguments(shop, check, capfd, arguments):
    (shop / "shop/more.py").write_text(BAD.replace("@shared_task\n", "@shared_task  # noqa: CLY101\n"))
    main(["check", *arguments])
    assert capfd.readouterr().out.splitlines() == flake8(*arguments)


@pytest.mark.parametrize(
    "configuration",
    [
        "extend-ignore = CLY2",
        "ignore = E,W,CLY4",
        "exclude = content\nextend-exclude = shop/views.py",
        "per-file-ignores =\n    shop/views.py: CLY401\n    content/*: CLY",
        "celery-bind-requires-retry = yes\ncelery-test-paths =\n    shop/tasks.py,\n    other/",
        "max-line-length = 100\nmax-complexity = 3\nimport-order-style = google",
        "extend-select = CLY9",
        "enable-extensions = CLY903",
        "disable-noqa = true\njobs = 1",
        "format = pylint",
        "quiet = 1",
        "show_source = true",
    ],
)
@pytest.mark.parametrize("file", ["setup.cfg", ".flake8"])
def test_same_lines_for_the_same_configuration(shop, capfd, configuration, file):
    (shop / file).write_text(f"[flake8]\n{configuration}\n")
    (shop / "shop/more.py").write_text(BAD.replace("@shared_task\n", "@shared_task  # noqa\n"))
    main(["check"])
    assert capfd.readouterr().out.splitlines() == flake8("--select=CLY")


def test_the_example_of_the_documentation(monkeypatch, check):
    monkeypatch.chdir(EXAMPLE)
    lines = check("--isolated")
    assert len(lines) >= 7
    assert lines == flake8("--isolated", "--select=CLY")


TRAPS = {
    "bom.py": "\ufeff" + BAD,
    "crlf.py": BAD.replace("\n", "\r\n"),
    "file_noqa.py": "# flake8: noqa\n" + BAD,
    "line_noqa.py": "x = 1  # flake8: noqa\n" + BAD,
    "long_noqa.py": BAD.replace("(name", "(\n    name").replace("bind=True)", "bind=True,\n)  # NoQA:CLY201,E501"),
    "string_noqa.py": BAD.replace('"b"', '"""\n# noqa\n"""'),
    "no_end.py": BAD.rstrip(),
    "form_feed.py": BAD.replace("\n\n\n", "\n\f\n"),
    "wide.py": BAD.replace("@shared_task\n", "@shared_task(ignore_result='ü', max_retries=-1)\n"),
    "stub.pyi": BAD,
    "empty.py": "",
}


def test_same_lines_for_traps(tmp_path, monkeypatch, check):
    write(tmp_path, {f"traps/{name}": text for name, text in TRAPS.items()})
    latin = BAD.replace("def a", "def ä").replace("from", "# -*- coding: latin-1 -*-\nfrom", 1)
    (tmp_path / "traps/latin.py").write_bytes(latin.encode("latin-1"))
    (tmp_path / "traps/wrong.py").write_bytes(BAD.replace("def a", "# ä\ndef a").encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    lines = check("--select=CLY")
    assert len(lines) > 15
    assert lines == flake8("--select=CLY")
    assert check("--select=CLY", "traps/stub.pyi") == flake8("--select=CLY", "traps/stub.pyi")


def test_a_decorator_whose_name_is_not_ascii(tmp_path, monkeypatch, check):
    write(tmp_path, {"shop/jobs.py": "from other import größe\n\n\n@größe\ndef a(): ...\n", "shop/b.py": "x = 1\n"})
    monkeypatch.chdir(tmp_path)
    lines = check("--select=CLY", "--celery-task-decorators=other.größe")
    assert places(lines) == ["./shop/jobs.py:4:2:"]
    assert lines == flake8("--select=CLY", "--celery-task-decorators=other.größe")


@pytest.mark.parametrize("name", ["shop/tasks.py", "shop/new.py", "stdin"])
def test_standard_input(shop, capfd, name, monkeypatch):
    (shop / "shop/tasks.py").write_text("x = 1\n")
    arguments = ["--select=CLY", f"--stdin-display-name={name}", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check", *arguments],
        input=BAD,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == flake8(*arguments, stdin=BAD)
    assert places(done.stdout.splitlines())[0] == f"{name}:4:2:"


def test_input_without_a_name_is_no_module_of_its_own(shop):
    """It may be any file of the project: it has no module name, belongs to no app, and does not clash with itself."""
    views = (shop / "shop/views.py").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check", "--select=CLY", "-"],
        input=f"{BAD}\n{views}",
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(": ", 1)[1] for line in done.stdout.splitlines()]
    assert [line[:6] for line in lines] == ["CLY101", "CLY201", "CLY202"]
    assert lines[0].endswith("add name=...")


# What is selected.


def test_all_of_ours_is_selected(shop, check):
    assert places(check()) == ALL


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("select = E,F", ALL),
        ("select = C,E,F", ALL),
        ("select = E,CLY4", ALL[3:]),
        ("select = E\nextend-select = CLY2", ALL[1:3]),
        ("extend-select = B950", ALL),
        ("ignore = C", ALL),
    ],
)
def test_what_the_configuration_selects(shop, check, configuration, expected):
    (shop / ".flake8").write_text(f"[flake8]\n{configuration}\n")
    assert places(check()) == expected


# Files that can't be read or parsed.


@pytest.mark.parametrize(
    "text",
    [
        "from celery import shared_task\ndef (:\n",
        "import celery\n  x\n",
        "import celery\nx = '''\n",
        "import celery\n(((\n",
    ],
)
def test_a_file_that_can_not_be_parsed(shop, check, text):
    (shop / "shop/broken.py").write_text(text)
    broken = [line for line in check() if "E9" in line]
    assert broken == flake8("--select=E9")
    assert len(broken) == 1
    assert places(check("--select=CLY")) == ALL
    assert check("--select=CLY,E999") == flake8("--select=CLY,E999")


def test_a_broken_file_without_celery_is_not_looked_at(shop, check):
    (shop / "shop/broken.py").write_text("def (:\n")
    assert places(check()) == ALL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"import celery\0\n", "null"),
        (b"import celery\nx = " + b"(" * 3000 + b")" * 3000, ""),
        (b"import celery\n" + b"-" * 100_000 + b"1\n", ""),
    ],
)
def test_a_file_that_the_parser_gives_up_on(shop, check, text, said):
    (shop / "shop/broken.py").write_bytes(text)
    line = next(line for line in check() if "E999" in line)
    assert line.startswith("./shop/broken.py:")
    assert said in line


def test_a_file_whose_encoding_is_none_of_texts(shop, check):
    """flake8 itself ends with a LookupError there."""
    (shop / "shop/turned.py").write_text("# coding: rot13\nfrom celery import shared_task\n")
    lines = check()
    assert lines[-2].startswith("./shop/turned.py:0:1: E902 LookupError: 'rot13' is not a text encoding")
    assert places(lines) == [*ALL[:3], "./shop/turned.py:0:1:", ALL[3]]


def test_a_file_that_can_not_be_read(shop, check):
    (shop / "shop/gone.py").symlink_to(shop / "nowhere.py")
    lines = check("shop/gone.py")
    assert lines == flake8("--select=E9", "shop/gone.py")
    assert places(lines) == ["shop/gone.py:0:1:"]


# Many files.


@pytest.fixture
def many(tmp_path, monkeypatch):
    for number in range(30):
        write(tmp_path, {f"shop{number}/tasks.py": BAD.replace('"b"', f'"b{number}"')})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("method", ["fork", "spawn", None])
def test_processes_agree(many, check, monkeypatch, method):
    import multiprocessing

    if method not in (None, *multiprocessing.get_all_start_methods()):
        pytest.skip("not to be had on this platform")
    if method:
        monkeypatch.setattr(pool, "_context", lambda: multiprocessing.get_context(method))
    monkeypatch.setattr(pool, "LARGE", 24)
    monkeypatch.setattr(pool, "_COLLECTED", 10)
    lines = check("--select=CLY", "-j2", "--celery-test-paths=shop3/")
    assert len(lines) == 89
    assert lines == check("--select=CLY", "-j1", "--celery-test-paths=shop3/")
    assert lines == flake8("--select=CLY", "--celery-test-paths=shop3/")


def test_a_process_that_was_not_forked_is_told_the_options(shop, monkeypatch):
    """What the other processes do, in this one."""
    import signal

    options = options_for(Namespace(config=None, append_config=[], isolated=True, celery_apps="shop"), [])
    Plugin.options = None
    before = signal.getsignal(signal.SIGINT)
    try:
        pool._start(partial(checker.check, options=options), options)
        assert Plugin.options.celery_apps == ("shop",)
        pool._start(partial(checker.check, options=options), options)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [row.code for row in pool._call("shop/tasks.py").rows] == ["CLY101", "CLY201", "CLY202"]


def test_forks_are_taken_where_they_work(monkeypatch):
    import multiprocessing

    monkeypatch.setattr(sys, "platform", "darwin")
    assert pool._context() is multiprocessing.get_context(None)


# pyproject.toml.


def table(folder, text):
    (folder / "pyproject.toml").write_text(f"[tool.flake8-celery-tasks]\n{text}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('select = ["CLY4"]', ALL[3:]),
        ('select = "CLY4,CLY101"', [ALL[0], ALL[3]]),
        ("extend-ignore = ['CLY2', 'CLY1']", ALL[3:]),
        ("extend_ignore = ['CLY2', 'CLY1']", ALL[3:]),
        ('per-file-ignores = ["shop/tasks.py:CLY1,CLY2"]', ALL[3:]),
        ('[tool.flake8-celery-tasks.per-file-ignores]\n"shop/tasks.py" = ["CLY1", "CLY2"]', ALL[3:]),
        ('[tool.flake8-celery-tasks.per-file-ignores]\n"shop/tasks.py" = "CLY1, CLY2"', ALL[3:]),
        ('exclude = ["shop/tasks.py"]', ALL[3:]),
        ('celery-test-paths = ["shop/views.py"]', ALL[:3]),
        ("jobs = 1\ndisable-noqa = true\nshow-source = false\nformat = 'default'", ALL),
        ("celery-target-version = 5.4", ALL),
        ("", ALL),
    ],
)
def test_pyproject(shop, check, text, expected):
    table(shop, text)
    assert places(check()) == expected


def test_paths_are_relative_to_pyproject(shop, check, monkeypatch):
    table(shop, 'exclude = ["shop/tasks.py"]')
    monkeypatch.chdir(shop / "shop")
    assert places(check()) == ["./views.py:1:27:"]


def test_flake8_wins_key_by_key(shop, check):
    table(shop, 'extend-ignore = ["CLY"]\ncelery-test-paths = ["shop/views.py"]')
    (shop / ".flake8").write_text("[flake8]\nextend_ignore = CLY1\n")
    assert places(check()) == ALL[1:3]
    assert places(check("--extend-ignore=CLY2")) == ALL[:1]


@pytest.mark.parametrize("argument", ["--isolated", "--config=own.cfg"])
def test_pyproject_is_not_read(shop, check, argument):
    table(shop, "no-option = 1")
    (shop / "own.cfg").write_text("[flake8]\n")
    assert places(check(argument)) == ALL


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1", "tool = 1  # flake8-celery-tasks", "not TOML"])
def test_pyproject_without_our_table(shop, check, text):
    (shop / "pyproject.toml").write_text(text)
    assert places(check()) == ALL


def test_the_search_for_pyproject_ends_at_home(shop, check, monkeypatch):
    table(shop, "no-option = 1")
    monkeypatch.setenv("HOME", str(shop))
    monkeypatch.setenv("USERPROFILE", str(shop))
    monkeypatch.chdir(shop / "shop")
    assert places(check()) == [place.replace("./shop", ".") for place in ALL]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.flake8-celery-tasks]\nselct = 1", "has no option 'selct', did you mean 'select'?"),
        ("[tool.flake8-celery-tasks]\nmax-line-length = 1", "has no option 'max-line-length'"),
        ("[tool.flake8-celery-tasks]\ncelery_test_pats = 1", "did you mean 'celery-test-paths'?"),
        ("[tool.flake8-celery-tasks]\ncount = 'perhaps'", "count: Not a boolean: perhaps"),
        ("[tool.flake8-celery-tasks]\nselect = [1]", "select: expected a string, a list of strings"),
        ("[tool.flake8-celery-tasks]\nselect = {a = 1}", "select: expected"),
        ("[tool.flake8-celery-tasks]\nselect = 3", "select: expected a string or a list of strings"),
        ("[tool.flake8-celery-tasks]\nexclude = true", "exclude: expected a string or a list of strings"),
        (
            "[tool.flake8-celery-tasks]\ncelery_test_paths = 1",
            "celery_test_paths: expected a string or a list of strings",
        ),
        ("[tool.flake8-celery-tasks]\nper-file-ignores = {a = {}}", "per-file-ignores: expected"),
        ("[tool.flake8-celery-tasks]\nignore = ['none']", "ignore: Error code 'none'"),
        ("[tool]\nflake8-celery-tasks = 1", "is no table"),
        ("[tool.flake8-celery-tasks", "pyproject.toml: "),
        ("[tool.flake8-celery-tasks]\ncelery-acks-late = 'perhaps'", "argument --celery-acks-late: invalid value"),
        ("[tool.flake8-celery-tasks]\njobs = 'many'", "'many' must be 'auto' or an integer"),
    ],
)
def test_a_wrong_pyproject_is_a_usage_error(shop, refused, text, said):
    (shop / "pyproject.toml").write_text(text)
    assert said in refused()


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("ignore = none", "Error code 'none' supplied to 'ignore'"),
        ("quiet = much", "configuration of flake8: quiet: invalid literal"),
        (
            "select = CLY\nshow_source = 7\ncount = maybe",
            "configuration of flake8: show_source: count: Not a boolean: 7",
        ),
        ("format = %(nowhere)s", "argument --format: invalid value '%(nowhere)s': there is no 'nowhere'"),
        ("format = %(path", "argument --format: invalid value '%(path': incomplete format key"),
        ("format = %(path)d", "argument --format: invalid value '%(path)d': "),
        ("per-file-ignores = x", "Expected `per-file-ignores`"),
        ("celery-target-version = new", "a version such as 5.4"),
        ("jobs = many", "must be 'auto' or an integer"),
    ],
)
def test_a_wrong_configuration_is_a_usage_error(shop, refused, configuration, said):
    (shop / ".flake8").write_text(f"[flake8]\n{configuration}\n")
    assert said in refused()


def test_configuration_that_is_not_there(shop, refused):
    assert "no.cfg" in refused("--config=no.cfg")
    assert "no.cfg" in refused("--append-config=no.cfg")
    (shop / "x.cfg").write_text("no section")
    assert "x.cfg" in refused("--config=x.cfg")


def test_more_configuration(shop, check):
    (shop / "more.cfg").write_text("[flake8]\nextend-ignore = CLY2\n")
    assert places(check("--append-config=more.cfg")) == [ALL[0], ALL[3]]
    assert places(check("--config", "more.cfg")) == [ALL[0], ALL[3]]


def test_a_format_of_another_plugin_is_the_default(shop, check):
    (shop / ".flake8").write_text("[flake8]\nformat = grouped\n")
    assert places(check()) == ALL


def test_python_without_tomllib(shop, check, monkeypatch):
    """On Python 3.10 the package tomli does it."""
    tomllib = pytest.importorskip("tomllib")
    table(shop, 'select = ["CLY4"]')
    monkeypatch.setitem(sys.modules, "tomli", tomllib)
    monkeypatch.setattr(sys, "version_info", (3, 10, 0, "final", 0))
    assert _table(str(shop / "pyproject.toml")) == {"select": ["CLY4"]}
