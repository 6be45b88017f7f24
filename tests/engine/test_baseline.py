"""The baseline: what is known is silent, in flake8 and in the command, wherever the lines move."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections import Counter

import pytest

from flake8_celery_tasks.engine import baseline
from flake8_celery_tasks.engine.baseline import Baseline, BaselineError, Entry, Identity
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.plugin import Plugin
from tests.helpers import flake8

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def known(shop, run):
    """A project whose findings are all known."""
    assert run("--write-baseline=known.json") == (0, [], ["flake8-celery-tasks: 4 findings written to known.json"])
    (shop / ".flake8").write_text("[flake8]\ncelery-baseline = known.json\n")
    return shop


def codes(lines):
    return [line.split()[1] for line in lines]


def test_what_is_written(known):
    content = json.loads((known / "known.json").read_text())
    assert content["version"] == 1
    assert [(one["path"], one["code"], one["in"]) for one in content["findings"]] == [
        ("shop/tasks.py", "CLY101", "a"),
        ("shop/tasks.py", "CLY201", "b"),
        ("shop/tasks.py", "CLY202", "b"),
        ("shop/views.py", "CLY401", ""),
    ]


def test_known_findings_are_silent(known, run):
    assert run() == (0, [], [])
    assert flake8("--select=CLY") == []


def test_moved_code_stays_known(known, run):
    path = known / "shop/tasks.py"
    path.write_text('"""Tasks."""\n\nimport os\n' + path.read_text().replace("\n\n\n", "\n\n\nX = 1\n\n\n"))
    assert run() == (0, [], [])
    assert flake8("--select=CLY") == []


def test_new_findings_are_reported(known, run):
    path = known / "shop/tasks.py"
    path.write_text(path.read_text() + "\n\n@shared_task\ndef c():\n    pass\n")
    code, lines, _ = run()
    assert (code, codes(lines)) == (1, ["CLY101"])
    assert lines == flake8("--select=CLY")
    assert lines[0].startswith("./shop/tasks.py:14:2:")


def test_another_definition_is_another_finding(known, run):
    path = known / "shop/tasks.py"
    path.write_text(path.read_text().replace("def b", "def other"))
    lines = run()[1]
    assert codes(lines) == ["CLY201", "CLY202"]
    assert lines == flake8("--select=CLY")


def test_equal_findings_are_counted(shop, run):
    text = "def view():\n    from content.tasks import index\n    index.delay(1)\n"
    again = text + "    from content.tasks import index as two\n    two.delay(2)\n"
    (shop / "shop/views.py").write_text(again)
    run("--write-baseline=known.json")
    found = json.loads((shop / "known.json").read_text())["findings"]
    assert [one.get("count", 1) for one in found if one["code"] == "CLY402"] == [2]
    assert run("--celery-baseline=known.json")[1] == []
    (shop / "shop/views.py").write_text(again + "    from content.tasks import index as three\n    three.delay(3)\n")
    lines = run("--celery-baseline=known.json")[1]
    assert [line.partition(" ")[0] for line in lines] == ["./shop/views.py:6:31:"]
    assert lines == flake8("--select=CLY", "--celery-baseline=known.json")
    (shop / "shop/views.py").write_text(text)
    _, lines, told = run("--celery-baseline=known.json", "--prune-baseline")
    assert lines == []
    assert len(told) == 1
    assert run("--celery-baseline=known.json", "--prune-baseline") == (0, [], [])


def test_what_is_silenced_is_not_written(shop, run):
    path = shop / "shop/tasks.py"
    path.write_text(path.read_text().replace("bind=True)", "bind=True)  # noqa: CLY201"))
    run("--write-baseline=known.json", "--extend-ignore=CLY4", "--select=CLY")
    found = json.loads((shop / "known.json").read_text())["findings"]
    assert [one["code"] for one in found] == ["CLY101", "CLY202"]


def test_a_broken_file_is_never_known(shop, run):
    (shop / "shop/views.py").write_text("import celery\n(\n")
    code, _, said = run("--write-baseline=known.json")
    assert (code, said) == (
        1,
        [
            "flake8-celery-tasks: 3 findings written to known.json",
            "flake8-celery-tasks: ./shop/views.py: E999 SyntaxError: '(' was never closed: not checked",
        ],
    )
    assert codes(run("--celery-baseline=known.json")[1]) == ["E999"]


def test_an_old_baseline_is_written_anew(known, run):
    (known / "known.json").write_text("broken")
    code, _, said = run("--write-baseline=known.json")
    assert (code, said) == (2, ["flake8-celery-tasks: error: known.json is not a baseline; --force replaces it"])
    assert (known / "known.json").read_text() == "broken"
    assert run("--write-baseline=known.json", "--force")[0] == 0
    (known / "known.json").unlink()
    assert run("--write-baseline=known.json")[0] == 0
    assert run() == (0, [], [])


def test_in_flake8(known):
    """What flake8 does in processes of its own, in this one."""
    text = (known / "shop/tasks.py").read_text() + "\n\n@shared_task\ndef c():\n    pass\n"
    Plugin.told = Run(baseline=baseline.load("known.json"))
    found = Plugin(ast.parse(text), "./shop/tasks.py", text.splitlines(keepends=True)).run()
    assert [(line, text.split()[0]) for line, _, text, _ in found] == [(14, "CLY101")]
    clean = "import celery\n"
    assert list(Plugin(ast.parse(clean), "./shop/tasks.py", [clean]).run()) == []


# Where it stands.


def test_paths_are_relative_to_the_baseline(shop, run, monkeypatch):
    (shop / "ci").mkdir()
    run("--write-baseline=ci/known.json")
    assert '"../shop/tasks.py"' in (shop / "ci/known.json").read_text()
    (shop / "setup.cfg").write_text("[flake8]\ncelery-baseline = ci/known.json\n")
    assert run() == (0, [], [])
    monkeypatch.chdir(shop / "shop")
    assert run() == (0, [], [])
    assert flake8("--select=CLY") == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_stays_a_link(shop, run):
    (shop / "link.json").symlink_to("known.json")
    run("--write-baseline=link.json")
    (shop / "shop/views.py").unlink()
    assert run("--celery-baseline=link.json", "--prune-baseline")[0] == 0
    assert (shop / "link.json").is_symlink()
    assert len(json.loads((shop / "known.json").read_text())["findings"]) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names")
def test_what_is_no_file_is_written_to(shop, run):
    os.mkfifo("pipe")
    end = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run("--write-baseline=pipe")[0] == 0
    assert len(json.loads(os.read(end, 10_000))["findings"]) == 4
    os.close(end)
    assert (shop / "pipe").is_fifo()


def test_a_plain_name_is_looked_for_upward(known, run, monkeypatch):
    monkeypatch.chdir(known / "shop")
    assert run() == (0, [], [])
    assert flake8("--select=CLY") == []


def test_in_pyproject(known, run):
    (known / ".flake8").unlink()
    (known / "pyproject.toml").write_text('[tool.flake8-celery-tasks]\ncelery-baseline = "./known.json"\n')
    assert run() == (0, [], [])


def test_none_is_none(shop, run):
    assert len(run("--celery-baseline=")[1]) == 4


# Pruning.


def test_what_is_fixed_is_told_and_dropped(known, run):
    path = known / "shop/tasks.py"
    path.write_text(path.read_text().replace("@shared_task\n", "@shared_task(name='a')\n"))
    (known / "shop/views.py").unlink()
    code, lines, told = run("--prune-baseline")
    assert (code, lines) == (0, [])
    start = "flake8-celery-tasks: no longer found, removed from the baseline: "
    assert [line.removeprefix(start).split(": ")[:2] for line in told] == [
        ["shop/tasks.py", "CLY101 in a"],
        ["shop/views.py", "CLY401"],
    ]
    found = json.loads((known / "known.json").read_text())["findings"]
    assert [one["code"] for one in found] == ["CLY201", "CLY202"]
    assert run("--prune-baseline") == (0, [], [])


def test_what_was_not_looked_at_stays(known, run):
    before = (known / "known.json").read_text()
    (known / "shop/tasks.py").write_text("x = 1\n")
    assert run("--prune-baseline", "shop/views.py") == (0, [], [])
    (known / "shop/tasks.py").write_text("import celery\n(\n")
    assert codes(run("--prune-baseline")[1]) == ["E999"]
    assert (known / "known.json").read_text() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import celery\n(\n", "E999 SyntaxError: '(' was never closed: not checked"),
        ("# coding: rot13\nimport celery\n", "E902 LookupError: 'rot13' is not a text encoding"),
    ],
)
def test_what_could_not_be_checked_is_said_and_stays(known, run, text, said):
    before = (known / "known.json").read_text()
    (known / "shop/tasks.py").write_text(text)
    code, lines, told = run("--write-baseline=known.json", "--select=CLY,E902")
    assert (code, lines) == (1, [])
    assert told[:2] == [
        "flake8-celery-tasks: 4 findings written to known.json",
        "flake8-celery-tasks: 3 findings of other rules or unchecked files kept; --force replaces the whole file",
    ]
    assert len(told) == 3
    assert told[2].startswith(f"flake8-celery-tasks: ./shop/tasks.py: {said}")
    assert (known / "known.json").read_text() == before
    run("--prune-baseline", "--ignore=E9")
    assert (known / "known.json").read_text() == before
    assert run("--write-baseline=known.json", "--exit-zero")[0] == 0
    code, _, told = run("--write-baseline=known.json", "--force", "--extend-ignore=E9")
    assert (code, told) == (0, ["flake8-celery-tasks: 1 finding written to known.json"])


def test_what_the_linter_fails_on_stays(known, run, monkeypatch):
    before = (known / "known.json").read_text()
    monkeypatch.setattr("flake8_celery_tasks.flake8_host.checker.concern.passes", lambda *_: 1 / 0)
    assert codes(run("--prune-baseline")[1]) == ["CLY000"] * 3
    code, _, told = run("--write-baseline=known.json")
    assert (code, len([line for line in told if "please report: not checked" in line])) == (1, 3)
    assert (known / "known.json").read_text() == before


def test_rules_that_did_not_run_stay(shop, run):
    run("--write-baseline=known.json", "--select=CLY903")
    (shop / "shop/tasks.py").write_text("x = 1\n")
    before = (shop / "known.json").read_text()
    arguments = ("--celery-baseline=known.json", "--prune-baseline", "--extend-ignore=CLY")
    assert run(*arguments) == (0, [], [])
    assert (shop / "known.json").read_text() == before
    assert len(run(*arguments, "--extend-select=CLY9")[2]) == 2


# What is wrong.


def test_pruning_needs_a_baseline(shop, run):
    said = "flake8-celery-tasks: error: --prune-baseline needs the option celery-baseline"
    assert run("--prune-baseline") == (2, [], [said])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not a baseline"),
        ("[]", "is not a baseline"),
        ("{}", "is not a baseline"),
        ('{"version": 2, "findings": []}', "has version 2, this release reads 1"),
        ('{"version": 1, "findings": [1]}', "is not a baseline"),
        ('{"version": 1, "findings": [{"code": "CLY101"}]}', "is not a baseline"),
        (
            '{"version": 1, "findings": [{"path": "a", "code": "a", "in": "a", "text": "a", "count": Infinity}]}',
            "is not a baseline",
        ),
    ],
)
def test_what_is_no_baseline(shop, run, content, said):
    (shop / "known.json").write_text(content)
    code, lines, told = run("--celery-baseline=known.json")
    assert (code, lines, len(told)) == (2, [], 1)
    assert "argument --celery-baseline: " in told[0]
    assert said in told[0]


def test_a_baseline_that_is_not_there(shop, run):
    code, _, told = run("--celery-baseline=no.json")
    assert code == 2
    assert "--celery-baseline: invalid value 'no.json': expected an existing file" in told[0]
    with pytest.raises(BaselineError, match=r"can't read no.json: No such file"):
        baseline.load("no.json")


def test_a_place_that_can_not_be_written(known, run, monkeypatch):
    code, _, told = run("--write-baseline=no/such/known.json")
    assert (code, told) == (
        2,
        ["flake8-celery-tasks: error: can't write no/such/known.json: No such file or directory"],
    )
    (known / "shop/views.py").unlink()

    def full(*_):
        raise OSError(28, "No space left on device")

    before = (known / "known.json").read_text()
    monkeypatch.setattr(os, "replace", full)
    code, _, told = run("--prune-baseline")
    assert (code, told[0].rpartition(": ")[2]) == (2, "No space left on device")
    monkeypatch.undo()
    assert (known / "known.json").read_text() == before
    assert not list(known.glob("*.tmp"))


# The parts.

SCOPES = """\
x = 1


@decorated
class A:
    y = 2

    @decorated
    @decorated
    def f(self):
        if x:
            def g():
                return 1
        try:
            pass
        except ValueError:
            def h(): ...
        match x:
            case 1:
                def i(): ...
        return 2

    async def j(self): ...
"""


def test_scopes():
    found = baseline.scopes(ast.parse(SCOPES), set(range(1, 30)))
    assert 1 not in found
    named = {line: found[line] for line in (4, 6, 8, 10, 11, 12, 13, 17, 20, 21, 23)}
    assert named == {
        **dict.fromkeys((4, 6), "A"),
        **dict.fromkeys((8, 10, 11, 21), "A.f"),
        **dict.fromkeys((12, 13), "A.f.g"),
        17: "A.f.h",
        20: "A.f.i",
        23: "A.j",
    }


def test_an_entry_in_words():
    one = Identity("CLY101", "", "Text")
    assert str(Entry("a.py", one, 1)) == "a.py: CLY101: Text"
    assert str(Entry("a.py", one._replace(scope="f"), 2)) == "a.py: CLY101 in f (2 times): Text"


def test_another_drive(monkeypatch, tmp_path):
    def refuse(*_):
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert Baseline(str(tmp_path / "known.json"), {"x": Counter()}).relative("/a/b") == "/a/b"


def test_what_was_not_checked_is_kept(known, run):
    """Writing a baseline of fewer files does not lose what it holds of the others."""
    before = (known / "known.json").read_text()
    code, _, said = run("--write-baseline=known.json", "shop/views.py")
    assert (code, said) == (
        0,
        [
            "flake8-celery-tasks: 4 findings written to known.json",
            "flake8-celery-tasks: 3 findings of other rules or unchecked files kept; --force replaces the whole file",
        ],
    )
    assert (known / "known.json").read_text() == before
    (known / "shop/tasks.py").unlink()
    assert run("--write-baseline=known.json", "shop/views.py")[2] == [
        "flake8-celery-tasks: 1 finding written to known.json"
    ]


def test_writing_quietly(known, run):
    assert run("--write-baseline=known.json", "--quiet") == (0, [], [])


def test_the_whole_baseline_is_replaced_by_force(known, run):
    said = run("--write-baseline=known.json", "--force", "shop/views.py")[2]
    assert said == ["flake8-celery-tasks: 1 finding written to known.json"]
    assert len(json.loads((known / "known.json").read_text())["findings"]) == 1


def test_what_is_not_selected_is_kept(known, run):
    """Writing a baseline of fewer rules does not lose what it holds of the others."""
    before = (known / "known.json").read_text()
    assert "CLY101" in before
    assert "CLY401" in before
    said = run("--write-baseline=known.json", "--select=CLY4")[2]
    assert said[1:] == [
        "flake8-celery-tasks: 3 findings of other rules or unchecked files kept; --force replaces the whole file"
    ]
    assert (known / "known.json").read_text() == before
    run("--write-baseline=known.json", "--extend-select=CLY901")
    more = (known / "known.json").read_text()
    assert "CLY901" in more
    run("--write-baseline=known.json")
    assert (known / "known.json").read_text() == more
    (known / "known.json").write_text(before.replace("CLY401", "CLY999"))  # a rule of another version
    run("--write-baseline=known.json", "--select=CLY1")
    assert "CLY999" not in (known / "known.json").read_text()
