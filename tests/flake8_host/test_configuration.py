"""The configuration: what flake8 reads of it, and what stands in pyproject.toml."""

from __future__ import annotations

import sys
from argparse import Namespace

import pytest

from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.flake8_host import configuration
from flake8_celery_tasks.flake8_host.configuration import table_of
from tests.helpers import ALL, ROOT, places

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

EXAMPLE = ROOT / "docs" / "example"


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
        ("quiet = false", ALL),
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
        ("[tool]\nflake8-celery-tasks = 1", "is not a table"),
        (
            "[tool.flake8_celery_tasks]\nselect = 'CLY1'",
            "no table [tool.flake8_celery_tasks], did you mean [tool.flake8-c",
        ),
        ("[tool.flake8-celery-task]", "there is no table [tool.flake8-celery-task], did you mean"),
        ("[tool.flake8-celery-tasks]\nacks-late = true", "has no option 'acks-late', did you mean 'celery-acks-late'?"),
        ("[tool.flake8-celery-tasks]\noutput-format = 'jsn'", "there is no format 'jsn', did you mean json? (in "),
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


def test_a_wrong_value_is_said_with_its_place(shop, refused):
    table(shop, "extend-ignore = ['CLY499']\ncelery-broker = 'rabbit'")
    assert refused().endswith(f"expected redis, sqs or amqp (in {shop / 'pyproject.toml'})")
    (shop / ".flake8").write_text("[flake8]\ncelery_broker = redis\nselect = CLY498\n")
    assert refused().endswith("there is no rule CLY498 (in the configuration of flake8)")
    assert refused("--select=CLY497").endswith("argument --select: there is no rule CLY497")
    assert refused("--select=CLY").endswith(f"there is no rule CLY499 (in {shop / 'pyproject.toml'})")


def test_more_keys_in_pyproject(shop, check):
    table(shop, "quiet = true")
    assert check() == ["./shop/tasks.py", "./shop/views.py"]
    table(shop, "enable-extensions = ['CLY901']")
    assert "CLY901" in "".join(check())


def test_an_empty_selection_is_none(shop, check):
    assert places(check("--select=")) == ALL
    (shop / ".flake8").write_text("[flake8]\nselect = CLY4\n")
    assert places(check("--select=")) == ALL  # as in flake8, the command line wins


@pytest.mark.parametrize("key", ["format", "output-format", "output_format"])
def test_our_formats_in_pyproject(shop, check, key):
    table(shop, f"{key} = 'github'")
    assert [line.split()[0] for line in check()] == ["::error"] * 4
    assert places(check("--output-format=concise")) == ALL


def test_other_tables_with_such_a_name(shop, check):
    (shop / "pyproject.toml").write_text("[tool.flake8-celery]\nx = 1\n[tool.flake8]\n# flake8_celery_tasks\n")
    assert places(check()) == ALL


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
    assert table_of(str(shop / "pyproject.toml")) == {"select": ["CLY4"]}


def test_a_folder_above_that_is_closed(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "/closed/shop")

    monkeypatch.setattr(configuration, "load_config", refuse)
    given = Namespace(config=None, append_config=[], isolated=False)
    with pytest.raises(UsageError, match="can't look for the configuration of flake8: Permission denied: /closed/shop"):
        configuration.configuration_for(given, [])
