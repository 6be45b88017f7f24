"""The command: usage, exit codes, interruption, and `explain`."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from flake8_celery_tasks import __version__
from flake8_celery_tasks.command import check
from flake8_celery_tasks.command import main as command_main
from flake8_celery_tasks.command.main import main, os
from flake8_celery_tasks.command.output.writing import encoded
from flake8_celery_tasks.command.output.writing import write as writing_write
from flake8_celery_tasks.engine import loader
from tests.helpers import ALL, ROOT, without_summary

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def one_line(text):
    assert text.count("\n") == 1
    assert text.startswith("flake8-celery-tasks: ")
    return text.removeprefix("flake8-celery-tasks: ").rstrip("\n")


# Exit codes.


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check"], 1),
        (["check", "--exit-zero"], 0),
        (["check", "content"], 0),
        (["check", "--select=CLY8"], 0),
        (["check", "shop/views.py", "content/tasks.py"], 1),
    ],
)
def test_exit_codes(shop, capfd, arguments, code):
    assert main(arguments) == code
    assert not without_summary(capfd.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "there is no command 'chek', did you mean check?"),
        (
            ["lint"],
            "there is no command 'lint', the commands are check, fix, explain, tasks, config, contract and server",
        ),
        (["shop"], "'shop' is not a command; to check it: flake8-celery-tasks check shop"),
        (["no/such.py", "-q"], "to check it: flake8-celery-tasks check no/such.py -q"),
        (["-"], "'-' is not a command; to check it: flake8-celery-tasks check -"),
        (["--select=CLY4", "tasks"], "the command comes first: flake8-celery-tasks tasks --select=CLY4"),
        (["--select=CLY4", "my shop"], "the command comes first: flake8-celery-tasks check --select=CLY4 'my shop'"),
        (["help"], "there is no command 'help', did you mean --help?"),
        (["check", "--no-such"], "there is no option --no-such"),
        (["check", "-x"], "unrecognized arguments: -x"),
        (
            ["check", "--outptu_format=json", "shop"],
            "there is no option --outptu_format, did you mean --output-format?",
        ),
        (["check", "--no-cache"], "there is no option --no-cache, did you mean --celery-no-cache?"),
        (["tasks", "--colums=name"], "there is no option --colums, did you mean --columns?"),
        (["check", "--celery-app=shop"], "there is no option --celery-app, did you mean --celery-apps?"),
        (
            ["check", "--celery-no-cache=maybe"],
            "argument --celery-no-cache: invalid value 'maybe': expected true or false",
        ),
        (["check", "--exit-zero=1"], "argument --exit-zero: ignored explicit argument '1'"),
        (["check", "nowhere"], "no such file or directory: 'nowhere'"),
        (["check", "shop", "nowhere.py"], "no such file or directory: 'nowhere.py'"),
        (["check", "--output-format=xml"], "argument --output-format: invalid choice: 'xml'"),
        (["check", "--format=json", "--output-format=sarif"], "--format json and --output-format sarif exclude each"),
        (["check", "--format=jsn"], "argument --format: there is no format 'jsn', did you mean json?"),
        (
            ["check", "--format=checkstyle"],
            "argument --format: there is no format 'checkstyle', expected full, concise",
        ),
        (["check", "--select=W,F"], "argument --select: W, F selects none of our rules: their codes start with CLY"),
        (["check", "--select=CYL101"], "argument --select: CYL101 selects none of our rules, did you mean CLY101?"),
        (["check", "--fixes"], "--fixes needs --output-format sarif"),
        (["check", "--force"], "--force needs --write-baseline"),
        (["check", "--write-baseline=-"], "--write-baseline needs the name of a file"),
        (["check", "-", "--add-noqa"], "--add-noqa changes files"),
        (["check", "--select=CLY410"], "argument --select: there is no rule CLY410, did you mean CLY401?"),
        (["check", "--select=cly101"], "argument --select: there is no rule cly101, did you mean CLY101?"),
        (["check", "--ignore=E1,CLY1O1"], "argument --ignore: there is no rule CLY1O1, did you mean CLY101?"),
        (["check", "--extend-select=CLYX"], "argument --extend-select: there is no rule CLYX"),
        (["check", "--output-file=no/such/folder/x"], "can't write no/such/folder/x: No such file"),
        (["check", "--celery-target-version=old"], "argument --celery-target-version: invalid value 'old'"),
        (["check", "--jobs=many"], "'many' must be 'auto' or an integer"),
        (["check", "--write-baseline=x", "--prune-baseline"], "not allowed with argument"),
        (["explain"], "which rule?"),
        (["explain", "CLY999"], "there is no rule 'CLY999'"),
        (["explain", "219"], "there is no rule '219', did you mean CLY219?"),
        (["explain", "217", "999"], "there is no rule '217', did you mean CLY217?"),
        (["explain", "999"], "there is no rule '999'"),
        (["explain", "cly900"], "CLY900 is not a rule: check --unused-noqa reports"),
        (["explain", "missing-task-nam"], "did you mean missing-task-name?"),
        (["tasks", "nowhere"], "no such file or directory: 'nowhere'"),
        (["tasks", "--format=xml"], "argument --output-format/--format: invalid choice: 'xml'"),
    ],
)
def test_wrong_usage(shop, capfd, arguments, said):
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert not out
    assert said in one_line(err).removeprefix("error: ")


@pytest.mark.parametrize("arguments", [["empty"], ["empty", "shop/empty"], []])
def test_a_folder_without_python_files(tmp_path, monkeypatch, capfd, arguments):
    (tmp_path / "empty").mkdir()
    (tmp_path / "shop/empty").mkdir(parents=True)
    (tmp_path / "empty/notes.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["check", *arguments]) == 0
    out, err = capfd.readouterr()
    assert not out
    assert one_line(err) == f"no Python files in {' '.join(arguments) or '.'}, apart from excluded ones"


def test_files_that_are_excluded_are_named(shop, capfd):
    assert main(["check", "--exclude=tasks.py", "shop/tasks.py"]) == 0
    said = "flake8-celery-tasks: not checked, because excluded: shop/tasks.py\n"
    assert capfd.readouterr() == ("", said)


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["--help"], ["check", "--help"], ["tasks", "--help"]])
def test_help_and_version(capfd, arguments):
    assert main(arguments) == 0
    out, err = capfd.readouterr()
    assert not err
    assert "SUPPRESS" not in out
    if arguments in (["--version"], ["-V"]):
        assert out == f"flake8-celery-tasks {__version__}\n"


def test_help_names_the_options(capfd):
    main(["check", "--help"])
    out = " ".join(capfd.readouterr().out.split())
    for option in ("--celery-apps", "--per-file-ignores", "--write-baseline", "--config", "--enable-extensions"):
        assert option in out
    assert "--max-line-length" not in out
    assert "(Default: stdin)" in out


# Interruption and closed pipes.


def test_interruption(shop, capfd, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", interrupt)
    assert main(["check"]) == 130
    assert one_line(capfd.readouterr().err) == "interrupted"


@pytest.mark.parametrize("arguments", [["check"], ["explain", "--all"], ["tasks"], ["check", "--help"]])
def test_a_closed_pipe(shop, arguments):
    """Nobody reads: no traceback, and the same exit code."""
    command = [sys.executable, "-m", "flake8_celery_tasks", *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.close()
    assert not without_summary(running.stderr.read().decode())
    assert running.wait() == (1 if arguments == ["check"] else 0)
    running.stderr.close()


def test_a_closed_pipe_in_this_process(monkeypatch, tmp_path):
    class Closed:
        def __init__(self):
            self.buffer = self
            self.file = (tmp_path / "out").open("wb")
            self.times = 0

        def write(self, data):
            raise BrokenPipeError

        def flush(self):
            self.times += 1
            if self.times > 1:
                raise BrokenPipeError

        def fileno(self):
            return self.file.fileno()

        def isatty(self):
            return False

    closed = Closed()
    monkeypatch.setattr(sys, "stdout", closed)
    writing_write("text")
    assert closed.times == 1
    writing_write("text")
    assert closed.times == 2
    closed.file.close()


def test_a_closed_pipe_for_messages(shop):
    """Nobody reads what is told: the same exit code."""
    command = [sys.executable, "-m", "flake8_celery_tasks", "check", "missing"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stderr.close()
    assert running.stdout.read() == b""
    assert running.wait() == 2
    running.stdout.close()


@pytest.mark.parametrize("arguments", [["check"], ["explain", "CLY101"], ["tasks"], ["fix", "--diff"]])
def test_output_that_can_not_be_written(shop, arguments):
    """A full disk, say: one line, no traceback."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no such device on this platform")
    with full.open("wb") as output:
        command = [sys.executable, "-m", "flake8_celery_tasks", *arguments]
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert one_line(done.stderr) == "error: can't write the output: No space left on device"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(shop, closed):
    """As by a service manager: no traceback, and the same exit code."""
    if not Path("/bin/sh").exists():
        pytest.skip("no shell on this platform")
    for arguments, code in ("check shop", 1), ("check -", 0), ("tasks", 0), ("check nowhere", 2):
        line = f"{shlex.quote(sys.executable)} -m flake8_celery_tasks {arguments} </dev/null {closed}"
        done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert done.stderr.count("\n") <= 1


def test_input_that_can_not_be_decoded():
    command = [sys.executable, "-m", "flake8_celery_tasks", "check", "-"]
    done = subprocess.run(command, input=b"import celery  # \xe4\n", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert one_line(done.stderr.decode()).startswith(
        "error: can't decode the input: 'utf-8' codec can't decode byte 0xe4"
    )


@pytest.mark.parametrize("arguments", [["check"], ["fix"], ["tasks"]])
def test_a_working_folder_that_is_gone(monkeypatch, capfd, arguments):
    def fail():
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "getcwd", fail)
    assert main([*arguments, "--color=never"]) == 2
    assert one_line(capfd.readouterr().err) == "error: can't tell the working directory: No such file or directory"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"]])
def test_a_closed_pipe_for_help(arguments):
    command = [sys.executable, "-m", "flake8_celery_tasks", *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait() == 0
    running.stderr.close()


# pre-commit.


def test_the_hook(shop):
    """It runs the command that its entry names on the whole project: what is changed breaks files that are not."""
    hook = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    entry = re.search(r"- id: flake8-celery-tasks\n(?:  .*\n)*?  entry: (.*)\n", hook)[1].split()
    script = Path(sysconfig.get_path("scripts")) / entry[0]
    command = [str(script)] if script.exists() else [sys.executable, "-m", "flake8_celery_tasks"]
    assert re.search(r"- id: flake8-celery-tasks\n(?:  .*\n)*?  pass_filenames: false\n", hook)
    done = subprocess.run([*command, *entry[1:]], capture_output=True, text=True, check=False)
    assert (done.returncode, without_summary(done.stderr)) == (1, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ALL


# Writing.


@pytest.mark.parametrize(
    "arguments", [["check", "--output-file=-"], ["tasks", "--output-file=-"], ["contract", "--write=-"]]
)
def test_a_dash_is_the_output(shop, capfd, arguments):
    main(arguments)
    out = capfd.readouterr().out
    main(arguments[:1])
    assert out
    assert out == capfd.readouterr().out
    assert not (shop / "-").exists()


def test_a_file_takes_the_place_of_the_output(shop, capfd):
    (shop / "report.txt").write_text("old")
    assert main(["check", "--output-file=report.txt", "--quiet"]) == 1
    assert capfd.readouterr() == ("", "")
    assert (shop / "report.txt").read_text() == "./shop/tasks.py\n./shop/views.py\n"
    assert main(["check", "--output-file=report.txt"]) == 1
    main(["check"])
    assert (shop / "report.txt").read_text() == capfd.readouterr().out
    main(["check", "--output-file=report.txt", "--color=always"])
    assert "\033[" in (shop / "report.txt").read_text()


@pytest.mark.parametrize(
    ("text", "data"), [("ü\udcff", b"\xc3\xbc\xff"), ("ü\ud800", b"\xc3\xbc\\ud800"), ("ü", b"\xc3\xbc")]
)
def test_what_is_no_text(text, data):
    assert encoded(text) == data


# explain


@pytest.mark.parametrize("word", ["CLY101", "cly101", "missing-task-name"])
def test_explain(capfd, word):
    assert main(["explain", word]) == 0
    out, err = capfd.readouterr()
    assert not err
    assert out.startswith("# CLY101 missing-task-name\n")
    for title in ("What happens", "Bad", "Good", "Not reported when", "Fix", "See"):
        assert f"\n## {title}\n" in out


def test_explain_several(capfd):
    main(["explain", "CLY20", "CLY101", "CLY201"])
    titles = [line for line in capfd.readouterr().out.splitlines() if line.startswith("# CLY")]
    assert titles[0].startswith("# CLY201")
    assert titles[-1].startswith("# CLY101")
    assert len(titles) == len(set(titles)) > 2


def test_explain_all(capfd):
    main(["explain", "--all"])
    text = capfd.readouterr().out
    main(["explain", "--all", "--format", "json"])
    found = json.loads(capfd.readouterr().out)
    assert [rule["code"] for rule in found] == [rule.code for rule in loader.rules()]
    assert all(rule["page"] in text for rule in found)
    first = found[0]
    assert (first["name"], first["topic"], first["opt_in"]) == ("missing-task-name", "Names", False)
    assert first["summary"] == "A task has no explicit name."
    assert first["fix"] == "safe or unsafe"
    assert first["see"][0] == {
        "title": "Tasks: Names",
        "url": "https://docs.celeryq.dev/en/stable/userguide/tasks.html#names",
    }
    assert {rule["fix"] for rule in found} == {"safe", "unsafe", "safe or unsafe", None}


@pytest.mark.parametrize(("asked", "filled"), [("explain", {"explain"}), (None, set(command_main._COMMANDS))])
def test_only_what_is_asked_for_has_arguments(asked, filled):
    *_, commands = command_main._parser(asked)._actions
    assert {name for name, parser in commands.choices.items() if len(parser._actions) > 1} == filled
