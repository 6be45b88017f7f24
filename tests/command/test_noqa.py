"""Comments that silence findings: added, and reported where they silence nothing."""

from __future__ import annotations

import ast
import io
import os

import pytest
from flake8.violation import Violation
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.command import noqa
from flake8_celery_tasks.workspace.source import lines_of
from tests.helpers import PROJECT, flake8, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def found(line, code="CLY101", path="shop/tasks.py"):
    return Violation(code, path, line, 1, "text", None)


# Adding.


@pytest.mark.parametrize(
    ("before", "codes", "after"),
    [
        ("a = 1\n", ["CLY101"], "a = 1  # noqa: CLY101\n"),
        ("a = 1", ["CLY101"], "a = 1  # noqa: CLY101"),
        ("a = 1  \n", ["CLY101"], "a = 1  # noqa: CLY101\n"),
        ("a = 1\r\n", ["CLY202", "CLY101", "CLY101"], "a = 1  # noqa: CLY101,CLY202\r\n"),
        ("a = 1  # why\n", ["CLY101"], "a = 1  # why  # noqa: CLY101\n"),
        ("a = 1  # type: ignore\n", ["CLY101"], "a = 1  # type: ignore  # noqa: CLY101\n"),
        ("a = 1  # noqa: E501\n", ["CLY101"], "a = 1  # noqa: E501,CLY101\n"),
        ("a = 1  # noqa: E501, W1\n", ["CLY202", "CLY101"], "a = 1  # noqa: E501, W1, CLY101, CLY202\n"),
        ("a = 1  # noqa:E501 # why\n", ["CLY101"], "a = 1  # noqa:E501,CLY101 # why\n"),
        ("a = 1  # NOQA: E501\n", ["CLY101"], "a = 1  # NOQA: E501,CLY101\n"),
        ("a = 1  # noqa: cly101\n", ["CLY101", "CLY202"], "a = 1  # noqa: cly101,CLY101,CLY202\n"),
        ("a = '# noqa: E501'\n", ["CLY101"], None),
        ("a = '''\n'''\n", ["CLY101"], "a = '''\n'''  # noqa: CLY101\n"),
        ("a = '''\n'''  # why\nb = 1\n", ["CLY101"], "a = '''\n'''  # why  # noqa: CLY101\nb = 1\n"),
        ("a = 1 + \\\n    2\n", ["CLY101"], "a = 1 + \\\n    2  # noqa: CLY101\n"),
        ("f(\n  1,\n)\n", ["CLY101"], "f(  # noqa: CLY101\n  1,\n)\n"),
        ("a = f'''\n{1}\n'''\n", ["CLY101"], "a = f'''\n{1}\n'''  # noqa: CLY101\n"),
        ("\x0ca = 'ü'\n", ["CLY101"], "\x0ca = 'ü'  # noqa: CLY101\n"),
    ],
)
def test_with_comments(before, codes, after):
    text, failed = noqa.with_comments(before, [found(1, code) for code in codes])
    assert (text, failed) == ((before, [1]) if after is None else (after, []))


def test_one_that_fails_does_not_keep_others():
    text, failed = noqa.with_comments("a = '# noqa: E1'\nb = 1\n", [found(1), found(2)])
    assert (text, failed) == ("a = '# noqa: E1'\nb = 1  # noqa: CLY101\n", [1])


def test_a_text_that_would_say_something_else_is_left_alone(monkeypatch):
    monkeypatch.setattr(noqa, "_commented", lambda line, *_: line.replace("1", "2  # noqa"))
    assert noqa.with_comments("a = 1\n", [found(1)]) == ("a = 1\n", [1])


def test_what_can_not_be_parsed_is_left_alone():
    assert noqa.with_comments("a = (\n", [found(1)]) == ("a = (\n", [1])


def test_a_line_that_is_not_there():
    assert noqa.with_comments("a = 1\n", [found(9)]) == ("a = 1\n", [9])


PARTS = [
    "a = 1",
    "b = '''\n'''",
    "c = (\n  1,\n)",
    "d = 1 + \\\n  2",
    "e = 'x'  # why",
    "f = 1  # noqa: E501",
    "",
    "# g",
]


@given(parts=st.lists(st.sampled_from(PARTS), min_size=1), end=st.sampled_from(["\n", "\r\n", "\r"]), data=st.data())
def test_what_is_added_silences_and_changes_nothing_else(parts, end, data):
    text = "".join(f"{part}\n" for part in parts).replace("\n", end)
    count = len(lines_of(text))
    some = [found(line) for line in data.draw(st.lists(st.integers(1, count), unique=True))]
    after, failed = noqa.with_comments(text, some)
    assert not failed
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(text))
    layout = noqa.Layout(lines_of(after))
    assert all(one._replace(physical_line=layout.physical(one.line_number)).is_inline_ignored(False) for one in some)
    assert noqa.with_comments(after, []) == (after, [])


def test_add_noqa(shop, run):
    said = ["flake8-celery-tasks: 4 findings silenced in 2 files"]
    assert run("--add-noqa") == (0, [], said)
    assert (shop / "shop/views.py").read_text().startswith("from content.tasks import index  # noqa: CLY401\n")
    assert run() == (0, [], [])
    assert flake8("--select=CLY") == []
    assert run("--add-noqa", "--quiet") == (0, [], [])


def test_only_what_is_reported(shop, run):
    (shop / "shop/broken.py").write_text("import celery\n(\n")
    assert run("--add-noqa", "--select=CLY2,E9")[2][-1] == "flake8-celery-tasks: 2 findings silenced in 1 file"
    assert "CLY101" not in (shop / "shop/tasks.py").read_text()
    assert "noqa" not in (shop / "shop/broken.py").read_text()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("encoding", "head"), [("utf-8-sig", ""), ("latin-1", "# coding: latin-1\n"), ("utf-8", "")])
def test_encodings_and_line_ends_stay(shop, run, newline, encoding, head):
    if (newline, encoding) == ("\r", "latin-1"):
        pytest.skip("Python does not find the encoding where no line ends in a line feed")
    text = f"{head}{PROJECT['shop/tasks.py']}x = 'ü'".replace("\n", newline)
    (shop / "shop/tasks.py").write_bytes(text.encode(encoding))
    assert run("--add-noqa", "shop/tasks.py")[0] == 0
    after = (shop / "shop/tasks.py").read_bytes().decode(encoding)
    for code in ("CLY101", "CLY201", "CLY202"):
        after = after.replace(f"  # noqa: {code}", "")
    assert after == text


def test_what_is_left_alone(shop, run, monkeypatch):
    text = PROJECT["shop/tasks.py"]
    (shop / "shop/tasks.py").write_text(text.replace("import shared_task", "import shared_task; S = '# noqa: E1'"))
    write(shop, {"any/lib/site-packages/x/tasks.py": text})
    (shop / "shop/views.py").write_bytes(b"# coding: utf-7\n" + PROJECT["shop/views.py"].encode())
    code, _, said = run("--add-noqa", "any", "shop")
    assert code == 1
    assert any("site-packages" in line and "is installed, left alone" in line for line in said)
    if os.name == "posix" and os.geteuid():
        (shop / "shop/tasks.py").chmod(0o400)
        assert any("write-protected" in line for line in run("--add-noqa", "shop")[2])


def test_what_could_not_be_checked_is_said(shop, run):
    (shop / "shop/broken.py").write_text("import celery\n(\n")
    (shop / "shop/gone.py").symlink_to("nowhere.py")
    code, _, said = run("--add-noqa")
    assert code == 1
    assert said[0].startswith("flake8-celery-tasks: ./shop/broken.py: E999 SyntaxError: ")
    assert said[1].startswith("flake8-celery-tasks: ./shop/gone.py: E902 FileNotFoundError: ")
    assert said[2:] == ["flake8-celery-tasks: 4 findings silenced in 2 files"]
    assert run("--add-noqa", "--exit-zero", "shop/broken.py")[0] == 0


def test_a_finding_that_no_comment_silences(shop, run):
    (shop / "shop/views.py").write_text("from content.tasks import index; S = '# noqa: E1'\nindex.delay(1)\n")
    code, _, said = run("--add-noqa", "shop/views.py")
    assert (code, said) == (
        1,
        [
            "flake8-celery-tasks: shop/views.py: line 1 can't have a comment that silences it, left alone",
            "flake8-celery-tasks: 0 findings silenced in 0 files",
        ],
    )


def test_a_file_that_is_gone_or_write_protected(shop, monkeypatch):
    from flake8_celery_tasks.fixer import files

    assert noqa.add([found(1, path="gone.py")]).left_alone == [("gone.py", "can't be read, left alone")]
    monkeypatch.setattr(files, "_replace", lambda *_: "is write-protected, left alone")
    assert noqa.add([found(4)]) == (0, 0, [("shop/tasks.py", "is write-protected, left alone")])
    assert noqa.add([found(4, "E999"), found(1, "CLY000")]) == (0, 0, [])


# What silences nothing.


def unused(run, *arguments):
    code, out, said = run("--unused-noqa", *arguments)
    assert not said
    assert code == bool(out)
    return [line.partition(" CLY900 ")[::2] for line in out if "CLY900" in line]


def test_unused_noqa(shop, run):
    text = (
        "from celery import shared_task\n\n\n@shared_task  # noqa: CLY101\ndef a(): ...\n\n\n"
        "def b(): ...  # why # noqa: E501, CLY101,CLY202\n\n\nS = '''# noqa: CLY101\n'''\nT = 1  # noqa\n"
        "U = 1  # noqa: CLY9\nV = 1  # noqa: CLY998\nW = '''\n'''  # noqa: CLY4\nX = 1  # noqa: CLY998 CLY900\n"
        "Y = 1  # noqa: cly4\n"
    )
    (shop / "shop/tasks.py").write_text(text)
    assert unused(run, "shop/tasks.py") == [
        ("shop/tasks.py:8:35:", "noqa for CLY101 silences nothing: remove it"),
        ("shop/tasks.py:8:42:", "noqa for CLY202 silences nothing: remove it"),
        ("shop/tasks.py:15:16:", "there is no rule CLY998 to silence"),
        ("shop/tasks.py:17:14:", "noqa for CLY4 silences nothing: remove it"),
        ("shop/tasks.py:19:16:", "noqa for cly4 silences nothing: write CLY4, or remove it"),
    ]
    assert [line.split()[1] for line in run("shop/tasks.py")[1]] == []


def test_only_rules_that_ran_are_judged(shop, run):
    (shop / "shop/tasks.py").write_text("import celery\n\nx = 1  # noqa: CLY401\ny = 1  # noqa: CLY901\n")
    assert len(unused(run, "shop/tasks.py")) == 1
    assert len(unused(run, "--select=CLY4", "shop/tasks.py")) == 1
    assert unused(run, "--select=CLY5", "shop/tasks.py") == []
    assert unused(run, "--extend-ignore=CLY40", "shop/tasks.py") == []
    assert unused(run, "--per-file-ignores=tasks.py:CLY4", "shop/tasks.py") == []
    assert unused(run, "--extend-ignore=CLY900", "shop/tasks.py") == []
    assert len(unused(run, "--extend-select=CLY9", "shop/tasks.py")) == 2


def test_its_code_switches_it_on(shop, run):
    (shop / "shop/tasks.py").write_text("import celery\n\nx = 1  # noqa: CLY401\n")
    for option in ("--extend-select=CLY900", "--select=CLY900,CLY4", "--enable-extensions=CLY900"):
        assert "CLY900" in "\n".join(run(option, "shop/tasks.py")[1])
    assert run("--extend-select=CLY9", "--extend-ignore=CLY93", "shop/tasks.py")[1] == []
    (shop / ".flake8").write_text("[flake8]\nextend-select = CLY900\n")
    assert "CLY900" in "\n".join(run("shop/tasks.py")[1])


def test_a_file_that_has_nothing_to_do_with_celery(shop, run):
    (shop / "shop/other.py").write_text("x = 1  # noqa: CLY401\n")
    assert len(unused(run)) == 1
    (shop / "shop/other.py").write_text("# flake8: noqa\nx = 1  # noqa: CLY401\n")
    assert unused(run) == []
    (shop / "shop/other.py").write_text("import celery\n(  # noqa: CLY401\n")
    assert not [line for line in run("--unused-noqa")[1] if "CLY900" in line]


def test_what_the_baseline_knows_is_silenced_too(shop, run):
    run("--write-baseline=known.json")
    path = shop / "shop/views.py"
    path.write_text(path.read_text().replace("index\n\n", "index  # noqa: CLY401\n\n"))
    assert unused(run, "--celery-baseline=known.json") == []


def test_standard_input(shop, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x = 1  # noqa: CLY401\n")))
    assert unused(run, "--stdin-display-name=shop/x.py", "-") == [
        ("shop/x.py:1:16:", "noqa for CLY401 silences nothing: remove it")
    ]


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab", "full"])
def test_formats(shop, run, form):
    (shop / "shop/other.py").write_text("x = 1  # noqa: CLY401\n")
    assert "CLY900" in "\n".join(run("--unused-noqa", f"--output-format={form}", "shop/other.py")[1])
