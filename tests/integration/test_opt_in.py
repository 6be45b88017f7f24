"""What switches house policy on: prefixes of at least `CLY9` in flake8's own options, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from flake8_celery_tasks.core.options import OptionError, Options
from tests.helpers import write

TASKS = """\
from celery import Celery, shared_task

app = Celery("shop")
app.conf.beat_schedule = {"a": {"task": "a", "schedule": 60.0}}


@shared_task(name="a", max_retries=0)
def a():
    return 1


@shared_task(ignore_result=True, max_retries=0, acks_late=True, reject_on_worker_lost=True, time_limit=9)
def b():
    return 2
"""

#: What the file gets from each rule.
DEFAULT = ["CLY101"]
POLICY = ["CLY101", "CLY901", "CLY903", "CLY904", "CLY905", "CLY905", "CLY912", "CLY934", "CLY935"]


def reported(folder, *arguments):
    """Run flake8 in a folder and return our codes."""
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "shop", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    found = [line.split(" ")[1] for line in done.stdout.splitlines()]
    return sorted(code for code in found if code.startswith("CLY"))


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": TASKS})
    return tmp_path


CASES = [
    pytest.param({}, DEFAULT, id="no config"),
    pytest.param({"select": "C,E,F,W"}, DEFAULT, id="select the usual"),
    pytest.param({"select": "E,F,W"}, [], id="select others"),
    pytest.param({"ignore": "E501"}, DEFAULT, id="ignore something"),
    pytest.param({"extend-ignore": "CLY1"}, [], id="extend-ignore"),
    pytest.param({"extend-select": "CLY"}, DEFAULT, id="extend-select CLY"),
    pytest.param({"select": "CLY"}, DEFAULT, id="select CLY"),
    pytest.param({"extend-select": "CLY9"}, POLICY, id="extend-select CLY9"),
    pytest.param({"extend-select": "CLY912"}, ["CLY101", "CLY912"], id="extend-select CLY912"),
    pytest.param({"extend-select": "CLY901,CLY904"}, ["CLY101", "CLY901", "CLY904"], id="extend-select two"),
    pytest.param({"extend-select": "CLY91"}, ["CLY101", "CLY912"], id="extend-select CLY91"),
    pytest.param({"select": "CLY9"}, POLICY[1:], id="select CLY9"),
    pytest.param({"select": "C,CLY9"}, POLICY, id="select C and CLY9"),
    pytest.param({"select": "C", "extend-select": "CLY912"}, ["CLY101", "CLY912"], id="select and extend-select"),
    pytest.param({"extend-select": "CLY9", "ignore": "CLY905"}, [c for c in POLICY if c != "CLY905"], id="but not one"),
    pytest.param({"enable-extensions": "CLY901"}, ["CLY101", "CLY901"], id="enable-extensions CLY901"),
    pytest.param({"enable-extensions": "CLY901, CLY912"}, ["CLY101", "CLY901", "CLY912"], id="enable-extensions two"),
    pytest.param({"enable-extensions": "CLY"}, DEFAULT, id="enable-extensions CLY"),
    pytest.param({"enable-extensions": "G"}, DEFAULT, id="enable-extensions others"),
]


@pytest.mark.parametrize(("options", "expected"), CASES)
def test_command_line(shop, options, expected):
    assert reported(shop, *(f"--{name}={value}" for name, value in options.items())) == expected


@pytest.mark.parametrize(("options", "expected"), CASES)
@pytest.mark.parametrize("file", ["setup.cfg", "tox.ini", ".flake8"])
def test_configuration(shop, file, options, expected):
    lines = [f"{name} = {value}" for name, value in options.items()]
    (shop / file).write_text("\n".join(["[flake8]", *lines, ""]), encoding="utf-8")
    assert reported(shop) == expected


def test_underscores_in_configuration(shop):
    (shop / ".flake8").write_text("[flake8]\nenable_extensions = CLY901\n", encoding="utf-8")
    assert reported(shop) == ["CLY101", "CLY901"]


def test_command_line_comes_before_configuration(shop):
    (shop / ".flake8").write_text("[flake8]\nenable-extensions = CLY901\nextend-select = CLY904\n", encoding="utf-8")
    assert reported(shop, "--enable-extensions=CLY912", "--extend-select=CLY903") == ["CLY101", "CLY903", "CLY912"]
    assert reported(shop, "--isolated") == DEFAULT


def test_processes(shop):
    (shop / "shop" / "more.py").write_text(TASKS.replace('"a"', '"c"').replace("def b", "def d"), encoding="utf-8")
    assert reported(shop, "--extend-select=CLY9", "--jobs=2") == sorted(POLICY * 2)


def test_per_file_ignores(shop):
    lines = "[flake8]\nextend-select = CLY9\nper-file-ignores = shop/tasks.py:CLY90\n"
    (shop / ".flake8").write_text(lines, encoding="utf-8")
    assert reported(shop) == ["CLY101", "CLY912", "CLY934", "CLY935"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{model}_.*", "unknown placeholder {model}, expected {app}, {module}, {function}"),
        ("{app}_{FUNCTION}", "unknown placeholder {FUNCTION}"),
        ("(a", "not a regular expression: missing ), unterminated subpattern at position 0"),
        ("*", "not a regular expression: nothing to repeat"),
    ],
)
def test_name_pattern_that_is_none_is_a_usage_error(shop, pattern, said):
    (shop / ".flake8").write_text(f"[flake8]\ncelery-task-name-pattern = {pattern}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "shop"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    with pytest.raises(OptionError, match=re.escape(said)):
        Options.of({"celery_task_name_pattern": pattern})
    assert f"--celery-task-name-pattern: invalid value {pattern!r}: {said}" in done.stderr
    assert "Traceback" not in done.stderr


def test_name_pattern_on_the_command_line(shop):
    assert reported(shop, "--extend-select=CLY906", "--celery-task-name-pattern={app}_.*") == ["CLY101", "CLY906"]
