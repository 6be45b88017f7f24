"""The plugin in the real flake8: selection, configuration, standard input, processes, usage errors."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from flake8_celery_tasks import plugin
from flake8_celery_tasks.core.options import Options
from tests.helpers import BAD, PROJECT, run, write


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, PROJECT)
    return tmp_path


def test_codes_are_on_by_default(shop):
    lines = run(shop)
    assert [line.partition(" CLY")[0] for line in lines if "CLY" in line] == [
        "./shop/tasks.py:4:2:",
        "./shop/tasks.py:9:24:",
        "./shop/tasks.py:10:5:",
        "./shop/views.py:1:27:",
    ]


def test_version_names_the_plugin(shop):
    assert "flake8-celery-tasks: " in run_version(shop)


def run_version(folder):
    return subprocess.run(
        [sys.executable, "-m", "flake8", "--version"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--select=CLY"], ["CLY101", "CLY201", "CLY202", "CLY401"]),
        (["--select=CLY1"], ["CLY101"]),
        (["--select=CLY4,CLY202"], ["CLY202", "CLY401"]),
        (["--select=E,W", "--extend-select=CLY201"], ["CLY201"]),
        (["--select=E,W"], []),
        (["--select=C,E,F,W"], ["CLY101", "CLY201", "CLY202", "CLY401"]),
        (["--extend-ignore=CLY1,CLY2"], ["CLY401"]),
        (["--ignore=CLY"], []),
        (["--per-file-ignores=shop/tasks.py:CLY"], ["CLY401"]),
        (["--exclude=shop"], []),
    ],
)
def test_selection_is_flake8s(shop, arguments, expected):
    run(shop, *arguments, expected=expected)


@pytest.mark.parametrize("file", ["setup.cfg", "tox.ini", ".flake8"])
def test_configuration_files(shop, file):
    (shop / file).write_text(
        "[flake8]\nselect = CLY\nper-file-ignores =\n    shop/views.py: CLY401\ncelery-bind-requires-retry = yes\n"
        "celery-test-paths =\n    shop/tasks.py,\n    other/\n"
    )
    run(shop, expected=["CLY201", "CLY202"])


def test_noqa(shop):
    text = BAD.replace("@shared_task\n", "@shared_task  # noqa: CLY101\n").replace("bind=True)", "bind=True)  # noqa")
    (shop / "shop/tasks.py").write_text(text.replace("def b():", "def b():  # noqa: CLY101"))
    run(shop, "--select=CLY", "shop/tasks.py", expected=["CLY202"])


@pytest.mark.parametrize("name", ["shop/tasks.py", "./shop/tasks.py", "shop/new.py"])
def test_standard_input(shop, name):
    (shop / "shop/tasks.py").write_text("x = 1\n")
    lines = run(shop, "--select=CLY", f"--stdin-display-name={name}", "-", stdin=BAD.encode())
    assert [line.split(" ")[:2] for line in lines] == [
        [f"{name}:4:2:", "CLY101"],
        [f"{name}:9:24:", "CLY201"],
        [f"{name}:10:5:", "CLY202"],
    ]


def test_standard_input_with_an_absolute_name_from_elsewhere(shop, tmp_path_factory):
    views = PROJECT["shop/views.py"].encode()
    name = str(shop / "shop" / "views.py")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert len(run(elsewhere, "--select=CLY", f"--stdin-display-name={name}", "-", stdin=views)) == 1


def test_standard_input_without_a_name(tmp_path):
    run(tmp_path, "--select=CLY", "-", stdin=BAD.encode(), expected=["CLY101", "CLY201", "CLY202"])


def test_an_unsaved_buffer_takes_the_place_of_the_file(shop):
    """The other files are judged by what is on disk, the buffer by what is in it."""
    unsaved = b"from content.tasks import index, other\n\nindex.delay()\nother.delay()\n"
    lines = run(shop, "--select=CLY4", "--stdin-display-name=shop/views.py", "-", stdin=unsaved)
    assert [line.split(" ")[:2] for line in lines] == [["shop/views.py:1:27:", "CLY401"]]


def test_only_the_changed_file_is_given(shop):
    assert run(shop, "--select=CLY", "shop/views.py") == [
        line.removeprefix("./") for line in run(shop, "--select=CLY") if "views" in line
    ]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("jobs", [1, 4])
def test_processes_agree(shop, method, jobs):
    if method not in __import__("multiprocessing").get_all_start_methods():
        pytest.skip(f"{method} is not to be had on this platform")
    for number in range(6):
        write(shop, {f"more{number}/tasks.py": BAD.replace('"b"', f'"b{number}"')})
    (shop / ".flake8").write_text("[flake8]\nselect = CLY\ncelery-test-paths = more3/\n")
    code = (
        "import multiprocessing, sys\nfrom flake8.main.cli import main\nif __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method('{method}')\n    sys.exit(main(['-j', '{jobs}']))\n"
    )
    script = shop / "start.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], cwd=shop, capture_output=True, text=True, check=False)
    assert not done.stderr
    assert done.stdout.splitlines() == run(shop, "-j1")
    assert len(done.stdout.splitlines()) == 4 + 5 * 3 + 2


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("celery-target-version", "new", "a version such as 5.4"),
        ("celery-target-version", "5", "a version such as 5.4"),
        ("celery-target-version", "4.4", "the oldest"),
        ("celery-acks-late", "perhaps", "true or false"),
        ("celery-task-decorators", "a b", "dotted names"),
        ("celery-apps", "shop..x", "dotted names"),
        ("celery-project-root", "/no/such/folder", "an existing folder"),
    ],
)
@pytest.mark.parametrize("place", ["command line", "configuration"])
def test_bad_values_are_usage_errors(tmp_path, option, value, wanted, place):
    arguments = []
    if place == "configuration":
        (tmp_path / ".flake8").write_text(f"[flake8]\n{option} = {value}\n")
    else:
        arguments = [f"--{option}={value}"]
    done = subprocess.run(
        [sys.executable, "-m", "flake8", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert f"--{option}" in last
    assert repr(value) in last or value.split()[0] in last
    takes_none = wanted == "true or false" and place == "command line"  # there a boolean takes no value but its own
    assert ("ignored explicit argument" if takes_none else wanted) in last


MISSPELT = [
    ("celery-app = shop", "configuration of flake8: there is no option 'celery-app', did you mean 'celery-apps'?"),
    ("celery_nothing_like_it = 1", "configuration of flake8: there is no option 'celery_nothing_like_it'"),
    ("select = CLY499", "argument --select: there is no rule CLY499"),
    ("ignore = E1,CLY99", "argument --ignore: there is no rule CLY99"),
    ("extend-select = CLY0", None),
    ("per-file-ignores = cly.py:E1\n  clypse:CLY1\n  clyde:CLY1O1", "there is no rule CLY1O1, did you mean CLY101?"),
    ("extend-ignore = CLY9, CLY401, CLY900", None),
    (
        "per-file-ignores =\n  a.py: CLY4\n  b.py,c.py: E1,CLY777",
        "argument --per-file-ignores: there is no rule CLY777",
    ),
    ("enable-extensions = CLY999", "argument --enable-extensions: there is no rule CLY999"),
    ("celery-no-cache = on\ncelery_acks_late = False", None),
]


@pytest.mark.parametrize(("line", "said"), MISSPELT)
@pytest.mark.parametrize("program", ["flake8", "command"])
@pytest.mark.usefixtures("_fresh_plugin")
def test_what_is_misspelt_is_a_usage_error(tmp_path, monkeypatch, capsys, line, said, program):
    from flake8.main.cli import main as flake8_main

    from flake8_celery_tasks.command.main import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text(f"[flake8]\n{line}\n")
    monkeypatch.setattr(sys, "argv", ["flake8"])
    try:
        code = main(["check"]) if program == "command" else flake8_main(["-j1", "."])
    except SystemExit as ended:
        code = ended.code
    err = capsys.readouterr().err
    assert code == (2 if said else 0)
    assert (said or "") in err


@pytest.mark.parametrize(
    "arguments", [["--config"], ["--config=no-such.cfg"], ["--isolated"], ["--enable-extensions", "x", "--unknown"]]
)
def test_nothing_is_said_of_what_is_not_clear(tmp_path, monkeypatch, arguments):
    """A program of its own has called flake8, or no configuration is read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text("[flake8]\n")
    plugin._check_keys(arguments)


@pytest.mark.parametrize("given", ["--celery-no-cache", "--celery-no-cache=true", "--celery-no-cache=0"])
@pytest.mark.usefixtures("_fresh_plugin")
def test_a_boolean_takes_no_value(tmp_path, monkeypatch, capsys, given):
    from flake8.main.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["flake8", given, "-j1", "."])
    assert main(["--isolated", given, "-j1", "."]) == 0
    assert plugin.Plugin.told.options.celery_no_cache is (not given.endswith("0"))


BAD_VALUES = {
    "celery-task-decorators": ["@shop.task", "shop.celery:task", "shop..task", "a b"],
    "celery-apps": ["shop/billing", "shop.*", ".shop"],
    "celery-target-version": ["5", "v5.4", "4.4", "", "\u0665.4", "5." + "4" * 5000],
    "celery-acks-late": ["perhaps", ""],
    "celery-custom-task-class": ["shop.Task"],
    "celery-extra-task-options": ["shop.once", "once=", "1st"],
    "celery-async-pool": ["2"],
    "celery-bind-requires-retry": ["always"],
    "celery-at-most-once-calls": ["pay()", "shop/pay"],
    "celery-broker": ["rabbitmq"],
    "celery-task-name-pattern": ["(", "{model}"],
    "celery-project-root": ["no/such/folder"],
    "celery-environment": ["no-such-folder"],
    "celery-baseline": ["no-such.json"],
    "celery-contract": ["no-such.json"],
    "celery-known-tasks": ["no-such.json"],
    "celery-no-cache": ["maybe"],
}

#: Any text is a pattern of paths.
TAKES_ALL = {"celery-test-paths"}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, some in BAD_VALUES.items() for value in some]
)
@pytest.mark.parametrize("place", ["command line", "configuration"])
@pytest.mark.usefixtures("_fresh_plugin")
def test_each_option_refuses_what_it_does_not_take(tmp_path, monkeypatch, capsys, option, value, place):
    from flake8.main.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["flake8"])
    arguments = ["-j1", "."]
    if place == "configuration":
        (tmp_path / ".flake8").write_text(f"[flake8]\n{option} = {value}\n")
    else:
        arguments.append(f"--{option}={value}")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    is_flag = isinstance(getattr(Options(), option.replace("-", "_")), bool)
    takes_none = is_flag and place == "command line"  # on the command line a boolean takes no value but its own
    said = f"ignored explicit argument {value!r}" if takes_none else f"invalid value {value!r}: "
    assert f"argument --{option}: {said}" in capsys.readouterr().err.splitlines()[-1]


def test_there_is_a_bad_value_for_each_option():
    from flake8_celery_tasks.core.options import flag_of

    assert {flag_of(name).removeprefix("--") for name in Options._fields} == BAD_VALUES.keys() | TAKES_ALL


def test_help_says_what_the_options_are(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    from flake8_celery_tasks.core.options import flag_of

    for name in Options._fields:
        assert flag_of(name) in done.stdout
    assert "must not happen twice" in " ".join(done.stdout.split())


def test_nothing_is_imported_before_it_is_needed():
    """Importing the plugin, and checking a file that has nothing to do with Celery, loads neither engine nor rules."""
    code = (
        "import ast, sys; before = set(sys.modules); from flake8_celery_tasks.plugin import Plugin\n"
        "assert not list(Plugin(ast.parse('x = 1'), 'x.py', ['x = 1\\n']).run())\n"
        "print(sorted(m for m in set(sys.modules) - before if 'celery_tasks' in m or 'libcst' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(
        [f"flake8_celery_tasks{name}" for name in ("", ".plugin", ".workspace", ".workspace.gate")]
    )


def test_a_file_that_does_not_pass_is_left_after_one_search():
    assert not list(plugin.Plugin(ast.parse("x = 1"), "x.py", ["x = 1\n"]).run())
