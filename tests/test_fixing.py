"""Files that are fixed: what is kept of them, what is left alone, and the command."""

from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.binding.binder import collect
from flake8_celery_tasks.command import main
from flake8_celery_tasks.edits.changes import edits_of
from flake8_celery_tasks.edits.edit import Edit, Fix, Import, New
from flake8_celery_tasks.edits.imports import added
from flake8_celery_tasks.edits.operations import AddParameter, RemoveImport, Replace, SetKeyword, Span
from flake8_celery_tasks.edits.rewrite import Rewrite
from flake8_celery_tasks.edits.text import Text, Unfixable
from flake8_celery_tasks.engine import judge, loader, session
from flake8_celery_tasks.fixer import diff, rounds
from flake8_celery_tasks.fixer import files as fixer_files
from flake8_celery_tasks.fixer import remedies as fixer_remedies
from flake8_celery_tasks.fixer.files import Result, fix_files
from flake8_celery_tasks.rules.rule import Rule
from tests.helpers import write

BEFORE = 'from celery import shared_task\n\n\n@shared_task  # why\ndef add(x):\n    return "ä", x\n'
AFTER = BEFORE.replace("@shared_task ", '@shared_task(name="shop.tasks.add") ')

UNSAFE = rounds.Order(unsafe=True)


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fix(path, order=UNSAFE, **options):
    return list(fix_files([str(path)], order, **options))


# What is kept.


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "head"),
    [("utf-8", ""), ("utf-8-sig", ""), ("latin-1", "# -*- coding: latin-1 -*-\n"), ("cp1252", "# coding: cp1252\n")],
)
def test_line_ends_encodings_and_marks(newline, encoding, head, shop):
    if head and newline == "\r":
        pytest.skip("Python's own reader takes such a file for one line")
    shop.write_bytes((head + BEFORE).replace("\n", newline).encode(encoding))
    (result,) = fix(shop)
    assert not result.message
    assert shop.read_bytes() == (head + AFTER).replace("\n", newline).encode(encoding)
    assert not fix(shop)


def test_new_lines_end_like_the_others(tmp_path):
    text = "def f():\n    from content.tasks import drop\n\n    drop.delay()\n".replace("\n", "\r\n")
    content = 'from celery import shared_task\n\n\n@shared_task(name="drop")\ndef drop():\n    pass\n'
    write(tmp_path, {"content/tasks.py": content, "blog/views.py": text})
    fix(tmp_path / "blog/views.py")
    after = (tmp_path / "blog/views.py").read_bytes()
    assert b"send_task" in after
    assert after.count(b"\n") == after.count(b"\r\n")


def test_file_without_a_last_line_end(shop):
    shop.write_text(BEFORE.rstrip("\n"), encoding="utf-8")
    (result,) = fix(shop, write=False)
    assert diff.diff(result).endswith(' return "ä", x\n\\ No newline at end of file\n')
    fix(shop)
    assert shop.read_text(encoding="utf-8") == AFTER.rstrip("\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_diff_is_what_patch_takes(newline, encoding, shop):
    """Whatever ends the lines, with a mark in front and spaces in the name."""
    program = shutil.which("patch")
    if program is None:
        pytest.skip("there is no patch")
    shop.write_bytes(BEFORE.replace("\n", newline).encode(encoding))
    (result,) = fix(shop, write=False)
    shop = shop.rename(shop.parent / "my old tasks.py")
    command = [program, "--binary", "-p1", "-d", shop.parent]
    text = diff.diff(result._replace(path="a/my old tasks.py"))
    subprocess.run(command, input=text.encode(), stdout=subprocess.DEVNULL, check=True)
    assert shop.read_bytes() == AFTER.replace("\n", newline).encode(encoding)


@pytest.mark.parametrize("name", ["tasks.py", "my tasks.py", 'the "old"\n\ttasks\\.py', "\u00e9.py"])
@pytest.mark.parametrize("given", ["", ".", "./shop", "{folder}/shop"])
@pytest.mark.skipif(sys.platform == "win32", reason="some of these names are not allowed")
def test_command_writes_what_git_and_patch_apply(tmp_path, monkeypatch, capfdbinary, given, name):
    before = 'from celery import shared_task\n\n\n@shared_task(name="add", autoretry_for=OSError)\ndef add(): ...\n'
    write(tmp_path, {f"shop/{name}": before})
    monkeypatch.chdir(tmp_path)
    arguments = [given.format(folder=tmp_path)] if given else []
    assert main.main(["fix", "--isolated", "--diff", *arguments]) == 1
    text = capfdbinary.readouterr().out
    for program in ["git", "apply", "-p0"], ["patch", "-p0", "--no-backup-if-mismatch"]:
        if shutil.which(program[0]):
            subprocess.run(program, input=text, check=True, stdout=subprocess.DEVNULL)
            path = tmp_path / "shop" / name
            assert path.read_text(encoding="utf-8") == before.replace("OSError", "(OSError,)")
            path.write_text(before, encoding="utf-8")


def test_diff_of_a_line_without_end(shop):
    result = Result(str(shop), "a", "b")
    assert diff.diff(result).endswith("-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n")


def test_permissions_are_kept(shop):
    shop.chmod(0o750)
    fix(shop)
    assert stat.S_IMODE(shop.stat().st_mode) == 0o750
    assert shop.read_text(encoding="utf-8") == AFTER
    assert names(shop.parent) == ["__init__.py", "tasks.py"]


def test_links_are_followed(shop):
    real = shop.parent / "real.txt"
    shop.rename(real)
    shop.symlink_to(real)
    fix(shop)
    assert shop.is_symlink()
    assert real.read_text(encoding="utf-8") == AFTER


@pytest.mark.parametrize("way", ["link.py", "linked/tasks.py", "../elsewhere/shop/tasks.py"])
def test_names_are_those_of_the_file_behind_links(shop, way):
    root = shop.parent.parent
    (root / "link.py").symlink_to("shop/tasks.py")
    (root / "linked").symlink_to("shop")
    (root.parent / "elsewhere").symlink_to(root, target_is_directory=True)
    try:
        (result,) = fix(root / way)
    finally:
        (root.parent / "elsewhere").unlink()
    assert result.path == str(root / way)
    assert shop.read_text(encoding="utf-8") == AFTER


def test_file_with_several_paths_is_fixed_once(shop, capsys):
    link = shop.parent / "link.py"
    link.symlink_to("tasks.py")
    results = list(fix_files([str(link), str(shop)], UNSAFE))
    assert len(results) == 1
    assert not results[0].message
    assert link.is_symlink()
    assert shop.read_text(encoding="utf-8") == AFTER


@given(
    before=st.sampled_from(["", "\n", "# x\n", "\f\n", "import os  # y\n", "X = '''\n  a\n'''\n", "\n\n\n"]),
    space=st.sampled_from(["", " ", "\n    ", "  # c\n    "]),
    keywords=st.lists(st.sampled_from(["queue='q'", 'queue_="q"', "max_retries=3", "acks_late = True"]), unique=True),
    comma=st.booleans(),
    after=st.sampled_from(["", "# end", "\n\n\n# end\n", "x = 1 ;y=2\n", "if 1:\n\tpass\n"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=60, deadline=None)
def test_all_but_the_fix_is_kept(before, space, keywords, comma, after, newline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    listed = f",{space or ' '}".join(keywords)
    call = f"({space}{listed}{',' if comma and keywords else ''}{space})"
    text = f"{before}from celery import shared_task\n@shared_task{call}\ndef add( x,y ) :\n  return x\n{after}"
    text = text.replace("\n", newline)
    write(folder, {"shop/tasks.py": text})
    session.forget()
    order = rounds.Order(wants=lambda path, lines, tree, found: [v for v in found if v.code == "CLY101"])
    fix(folder / "shop/tasks.py", order)
    found = (folder / "shop/tasks.py").read_bytes().decode()
    name = next(quote + "shop.tasks.add" + quote for quote in "'\"" if quote + "shop.tasks.add" + quote in found)
    place = found.index(f"name={name}")
    length = len(f"name={name}")
    removed = found[:place] + found[place + length :]
    assert [line.strip(", \t\r") for line in removed.split("\n") if line.strip(", \t\r")] == [
        line.strip(", \t\r") for line in text.split("\n") if line.strip(", \t\r")
    ] or "".join(removed.replace(",", "").split()) == "".join(text.replace(",", "").split())
    ast.parse(found)


# What is left alone.


def test_write_protected_file(shop):
    shop.chmod(0o440)
    (result,) = fix(shop)
    assert result.message == "is write-protected, left alone"
    assert shop.read_text(encoding="utf-8") == BEFORE


def test_file_that_changes_meanwhile(shop, monkeypatch):
    fixed = rounds.fix_text

    def change(*args):
        shop.write_text(BEFORE + "x = 1\n", encoding="utf-8")
        return fixed(*args)

    monkeypatch.setattr(fixer_files, "fix_text", change)
    (result,) = fix(shop)
    assert result.message == "has changed meanwhile, left alone"
    assert shop.read_text(encoding="utf-8") == BEFORE + "x = 1\n"
    assert names(shop.parent) == ["__init__.py", "tasks.py"]


@pytest.mark.parametrize("step", ["mkstemp", "replace"])
def test_file_that_can_not_be_written(step, shop, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fixer_files.tempfile if step == "mkstemp" else fixer_files.os, step, fail)
    (result,) = fix(shop)
    assert result.message == "can't be written: No space left on device"
    assert not result.is_changed
    assert shop.read_text(encoding="utf-8") == BEFORE
    assert names(shop.parent) == ["__init__.py", "tasks.py"]


def test_interruption_leaves_no_other_file(shop, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fixer_files.os, "chmod", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fix(shop)
    assert shop.read_text(encoding="utf-8") == BEFORE
    assert names(shop.parent) == ["__init__.py", "tasks.py"]


def test_name_that_the_encoding_lacks(tmp_path):
    text = "# coding: latin-1\n" + BEFORE
    write(tmp_path, {"ш/tasks.py": ""})
    path = tmp_path / "ш" / "tasks.py"
    path.write_bytes(text.encode("latin-1"))
    (result,) = fix(path)
    assert result.message == "can't be written in iso-8859-1, left alone"
    assert path.read_bytes() == text.encode("latin-1")


def test_encoding_that_can_only_be_read(shop):
    text = "# coding: idna\n" + BEFORE.replace("\u00e4", "a")  # what stands between dots has to be short
    shop.write_text(text, encoding="utf-8")
    (result,) = fix(shop)
    assert result.message == "can't be written in idna, left alone"
    assert shop.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "content",
    [b"# coding: nothing\nshared_task", b"\xff shared_task", b"def shared_task(:\n", b"shared_task = '\0'", b"x = 1\n"],
)
def test_what_is_no_python_to_read(content, shop):
    shop.write_bytes(content)
    assert not fix(shop)
    assert shop.read_bytes() == content


def test_missing_file(tmp_path):
    assert not fix(tmp_path / "missing.py")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    assert not fix(tmp_path / "pipe.py")


# What is not certain.


class _Offering(Rule[judge.Facts]):
    """Says what a test wants."""

    code = "CLY999"
    message = "{text}"
    operations = staticmethod(lambda module: ())
    imports = ()

    def check(self, facts):
        for index, node in enumerate(facts.module.tree.body):
            if isinstance(node, ast.Expr):
                yield self.report(facts.module, node, text=f"{ast.unparse(node)}{index}")

    def fix(self, facts, violation):
        node = next(node for node in facts.module.tree.body if node.lineno == violation.line)
        return Fix(self.operations(node), safe=True, imports=self.imports)


def offered(monkeypatch, shop, text, operations, imports=()):
    rule = _Offering()
    rule.operations = operations
    rule.imports = imports
    monkeypatch.setattr(loader, "wanted", lambda opted=(): (rule,))
    return rounds.fix_text(str(shop), text, rounds.Order()).text


def test_fixes_that_do_harm_are_not_applied(monkeypatch, shop):
    def write_what(node):
        text = {"a": "z = 1", "b": "not python (", "c": "c", "d": "d\ne"}.get(node.value.id, "e")
        return (Replace(node, text),)

    assert offered(monkeypatch, shop, "a\nb\nc\nd\n", write_what) == "z = 1\nb\nc\nd\n"


def test_what_would_change_more_is_not_applied(monkeypatch, shop):
    def cut(node):
        value = node.value
        return (Replace(value.right, "c, d"),) if isinstance(value, ast.BinOp) else (Span(0, 0, "y = x."),)

    assert offered(monkeypatch, shop, "a * b\n", cut) == "a * b\n"
    assert offered(monkeypatch, shop, "a\n", cut) == "a\n"


def test_two_operations_on_one_place(monkeypatch, shop):
    assert offered(monkeypatch, shop, "a\n", lambda node: (Span(0, 1, "x = 1"), Span(0, 1, "y = 1"))) == "a\n"


def test_fixes_that_touch_wait_for_the_next_round(monkeypatch, shop):
    def join(node):
        return (Span(0, 0, "x = 1\n"), Replace(node, "pass"))

    assert offered(monkeypatch, shop, "a\nb\n", join) == "x = 1\nx = 1\npass\npass\n"


def test_imports_are_added_once(monkeypatch, shop):
    after = offered(
        monkeypatch, shop, "a\nb\n", lambda node: (Replace(node, "pass"),), (Import("os", "sep"), Import("re", "sub"))
    )
    assert after == "from os import sep\nfrom re import sub\n\npass\npass\n"


class _Rivals(Rule[judge.Facts]):
    """Each fix is good, but where two are made it has something to say of both."""

    code = "CLY999"
    message = "{text}"

    def check(self, facts):
        fixed = [node for node in facts.module.tree.body if isinstance(node, ast.Pass)]
        for node in facts.module.tree.body:
            if isinstance(node, ast.Expr):
                yield self.report(facts.module, node, text=ast.unparse(node))
            elif len(fixed) > 1:
                yield self.report(facts.module, node, text="two")
                yield self.report(facts.module, node, text="rivals")

    def fix(self, facts, violation):
        node = next(node for node in facts.module.tree.body if node.lineno == violation.line)
        return Fix((Replace(node, "pass"),), safe=True)


def test_of_rivals_one_is_applied(monkeypatch, shop):
    monkeypatch.setattr(loader, "wanted", lambda opted=(): (_Rivals(),))
    assert rounds.fix_text(str(shop), "a\nb\n", rounds.Order()).text == "pass\nb\n"
    shop.write_text("a\nb\n", encoding="utf-8")
    assert [one.violation.text for one in fixer_remedies.remedies(str(shop), rounds.Order())[1]] == ["a", "b"]


def test_remedies_that_do_harm_are_not_offered(monkeypatch, shop):
    rule = _Offering()
    rule.operations = lambda node: (Replace(node, {"a": "pass", "b": "not python ("}.get(node.value.id, "z = 1")),)
    monkeypatch.setattr(loader, "wanted", lambda opted=(): (rule,))
    shop.write_text("a\nb\nc\n", encoding="utf-8")
    path, remedies = fixer_remedies.remedies(str(shop), rounds.Order())
    assert path == str(shop)
    assert [(one.violation.line, one.replacements[0].text) for one in remedies] == [(1, "pass"), (3, "z = 1")]


IMPORTED = "from sys import argv\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        # What is mended stands below the imports, at their end, above them, or there are none.
        ("import re\n\na\n\nb\n", ["import re\n{}\npass\n\nb\n", "import re\n{}\na\n\npass\n"]),
        ("import re\na\nx = 1\n\nb\n", ["import re\n{}pass\nx = 1\n\nb\n", "import re\n{}a\nx = 1\n\npass\n"]),
        ("a\nimport re\nb", ["{}\npass\nimport re\nb", "{}\na\nimport re\npass"]),
        ('"""a"""\nb\n', ["{}\npass\nb\n", '"""a"""\n\n{}\npass\n']),
        ("from sys import path\n\na\n", ["from sys import argv, path\n\npass\n"]),
    ],
)
def test_remedies_come_with_their_imports(monkeypatch, shop, before, expected):
    rule = _Offering()
    rule.operations = lambda node: (Replace(node, "pass"),)
    rule.imports = (Import("sys", "argv"),)
    monkeypatch.setattr(loader, "wanted", lambda opted=(): (rule,))
    shop.write_text(before, encoding="utf-8")
    _, remedies = fixer_remedies.remedies(str(shop), rounds.Order())
    assert [applied(before, one) for one in remedies] == [text.format(IMPORTED) for text in expected]


def applied(text, remedy):
    """Return a text with what a remedy replaces, as a reader of SARIF does it."""
    known = Text(text)
    for one in reversed(remedy.replacements):
        start = known.line_offset(one.line) + one.column - 1
        end = known.line_offset(one.end_line) + one.end_column - 1
        text = text[:start] + one.text + text[end:]
    return text


def test_import_that_finds_no_place(monkeypatch, shop):
    text = "import re; a = 1\nb\n"
    assert offered(monkeypatch, shop, text, lambda node: (Replace(node, "pass"),), (Import("sys", "argv"),)) == text


def test_rounds_end(monkeypatch, shop):
    def one_by_one(node):
        return (Span(0, 0, "x = 1\n"), Replace(node, "pass"))

    after = offered(monkeypatch, shop, "a\n" * 12, one_by_one)
    assert after.count("pass") == rounds.ROUNDS


def test_what_would_go_is_not_applied(monkeypatch, shop):
    assert offered(monkeypatch, shop, "a\n", lambda node: (Span(0, 0, "x = 1  # "),)) == "a\n"


def test_import_beside_a_docstring(monkeypatch, shop):
    text = '"""x"""; from sys import path\nb\n'

    def replace(node):
        return (Replace(node, "pass"),) if isinstance(node.value, ast.Name) else ()

    assert offered(monkeypatch, shop, text, replace, (Import("os", "sep"),)) == text


def test_rules_have_no_fix_of_their_own():
    assert Rule.fix(_Offering(), None, None) is None


def test_import_beside_imports_alone(monkeypatch, shop):
    text = "import os\n"
    tree = ast.parse(text)
    (edit,) = added(Text(text), tree, Import("re", "sub"), lambda _: False)
    assert edit == (10, 10, "from re import sub\n")
    (edit,) = added(Text("import os"), ast.parse("import os"), Import("re", "sub"), lambda _: False)
    assert edit == (9, 9, "\nfrom re import sub\n")


def test_only_what_is_wanted(shop):
    assert not fix(shop, rounds.Order(wants=lambda path, lines, tree, found: []))


# Texts.


def test_offsets_of_wide_characters():
    text = Text("é = 'ü' ;x = f(1)\n")
    node = ast.parse(text.text).body[1]
    assert text.segment(node) == "x = f(1)"
    assert text.segment(node.value.args[0]) == "1"


def test_edges_of_texts():
    empty = Text("")
    assert empty.newline == "\n"
    assert empty.line_end(0) == 0
    assert empty.previous(0).text == ""
    assert empty.following(5).text == ""
    assert empty.quoted("a'b\"") == "'a\\'b\"'"
    with pytest.raises(Unfixable):
        Text("(").following(0)


@pytest.mark.parametrize("decorator", ["@f", "@ f", "@ \\\nf", "@(\n  f)"])
def test_definition_starts_at_its_first_decorator(decorator):
    text = Text(f"x = 1\n{decorator}\n@g\ndef h(): ...\n")
    assert text.start(ast.parse(text.text).body[1]) == 6


def test_function_in_parentheses():
    text = Text("(f)(1)")
    call = ast.parse(text.text).body[0].value
    assert text.opening(call) == 3


def test_empty_edit_is_a_value():
    assert Edit(1, 2, "") == (1, 2, "")


# The command.


def run(arguments, capsys):
    code = main.main(["fix", "--isolated", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_command(shop, capsys, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    code, out, err = run(["--diff", "shop"], capsys)
    assert (code, err) == (1, "")
    assert '+@shared_task(name="shop.tasks.add")  # why\n' in out
    assert shop.read_text(encoding="utf-8") == BEFORE
    assert run(["shop"], capsys) == (0, "", "flake8-celery-tasks: 1 fixed in 1 file\n")
    assert shop.read_text(encoding="utf-8") == AFTER
    assert run(["shop"], capsys) == (0, "", "flake8-celery-tasks: 0 fixed in 0 files\n")
    assert run(["--diff", "shop"], capsys) == (0, "", "")


def test_command_obeys_selection_and_noqa(shop, capsys):
    assert run(["--select=CLY2", str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")
    shop.write_text(BEFORE.replace("# why", "# noqa: CLY101"), encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")
    shop.write_text(BEFORE + "# flake8: noqa\n", encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")


def test_noqa_on_several_lines(shop, capsys):
    shop.write_text(BEFORE.replace("# why", "('''\n''')  # noqa: CLY101"), encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")


@pytest.mark.parametrize("jobs", [1, 2])
def test_command_in_several_processes(tmp_path, capsys, monkeypatch, jobs):
    write(tmp_path, {f"shop{number}/tasks.py": BEFORE for number in range(20)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fixer_files, "_COLLECTED", 2)
    code, out, err = run(["--diff", f"--jobs={jobs}", "."], capsys)
    assert (code, err) == (1, "")
    assert sorted(line[4:] for line in out.splitlines() if line.startswith("--- ")) == sorted(
        f"shop{number}/tasks.py" for number in range(20)
    )
    assert run([f"--jobs={jobs}", "."], capsys) == (0, "", "flake8-celery-tasks: 20 fixed in 20 files\n")
    assert run([f"--jobs={jobs}", "--diff", "."], capsys) == (0, "", "")


def test_command_leaves_what_is_in_the_baseline(shop, capsys, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    assert main.main(["check", "--isolated", "--write-baseline", "known.json", "shop"]) == 0
    capsys.readouterr()
    assert run(["--celery-baseline=known.json", "shop"], capsys)[2].endswith("0 fixed in 0 files\n")


def test_command_tells_what_it_left_alone(shop, capsys):
    shop.chmod(0o440)
    code, out, err = run([str(shop)], capsys)
    assert (code, out) == (1, "")
    assert err.startswith(f"flake8-celery-tasks: {shop}: is write-protected, left alone\n")


def test_command_used_wrongly(tmp_path, capsys):
    assert run(["-"], capsys)[0] == 2
    assert run([str(tmp_path / "missing")], capsys)[0] == 2
    assert run([str(tmp_path)], capsys)[2].startswith("flake8-celery-tasks: no Python files in ")


# The names that Celery gives.

APPS = {
    "project/celery.py": "from celery import Celery\n\napp = Celery('project', broker='memory://')\n"
    "app.autodiscover_tasks(['shop', 'shop.billing', 'content'], force=True)\n"
    "other = Celery('other', broker='memory://', set_as_current=False)\n"
    "other.autodiscover_tasks(['shop.other'], force=True)\n",
    "shop/other/tasks.py": "from project.celery import other\n\n\n@other.task\ndef one():\n    pass\n\n\n"
    "@other.task(shared=False)\ndef four():\n    pass\n",
    "shop/tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef one():\n    pass\n\n\n"
    "@shared_task()\ndef two():\n    pass\n\n\n@shared_task(\n    queue='q'\n)\ndef three():\n    pass\n\n\n"
    "def make():\n    @shared_task\n    def inner():\n        pass\n\n    return inner\n\n\nmake()\n",
    "shop/billing/tasks.py": "import celery\n\nfrom project.celery import app\n\n\n@app.task(name=None)\ndef one():\n"
    "    pass\n\n\n@app.task\ndef two():\n    pass\n\n\n@celery.shared_task(name='', bind=True, max_retries=3)\n"
    "def three(self):\n    pass\n",
    "content/tasks/__init__.py": "from content.tasks import images  # noqa\nfrom celery import shared_task\n\n\n"
    "@shared_task\ndef one():\n    pass\n",
    "content/tasks/images.py": "from celery import shared_task as job\nfrom functools import wraps\n\n\n"
    "def logged(f):\n    @wraps(f)\n    def g(*args, **kwargs):\n        return f(*args, **kwargs)\n\n    return g\n"
    "\n\n"
    "@job\n@logged\ndef one():\n    pass\n\n\n@job(name='given')\ndef two():\n    pass\n",
}

LIST = "from project.celery import app, other\nfor one in app, other:\n    one.loader.import_default_modules()\n"
LIST += "for one in app, other:\n    print(one.main, *sorted(n for n in one.tasks if not n.startswith('celery.')))\n"


def test_registered_names_stay_the_same(tmp_path):
    def registered():
        return subprocess.run(
            [sys.executable, "-B", "-c", LIST], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    write(tmp_path, APPS)
    before = registered()
    assert len(before) == 2
    assert "shop.other.tasks.four" in before[1]
    assert len(before[0].split()) > 10
    assert before[0] != before[1]
    files = [str(tmp_path / name) for name in APPS]
    results = list(fix_files(files, rounds.Order()))
    assert sum(len(result.violations) for result in results) == 11
    assert registered() == before
    for name in APPS:
        tree = ast.parse((tmp_path / name).read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.decorator_list and node.name != "g":
                assert "name=" in ast.unparse(node.decorator_list[0]), textwrap.dedent(ast.unparse(node))
    assert not list(fix_files(files, rounds.Order()))


def test_path_is_shown_as_given(shop, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    (result,) = fix(Path("shop/tasks.py"), write=False)
    assert diff.diff(result).startswith("--- shop/tasks.py\n+++ shop/tasks.py\n")


# Operations.


def edited(text, operation):
    source = Text(text)
    for edit in sorted(edits_of([operation], source), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def first(text):
    return ast.parse(text).body[0]


def test_keyword_after_what_is_in_parentheses():
    text = "f((1), *(2))"
    assert edited(text, SetKeyword(first(text).value, "x", "3")) == "f((1), *(2), x=3)"


def test_parameter_of_a_generic_function():
    text = "def f[T: (int)](x: T):\n    pass\n"
    if sys.version_info >= (3, 12):
        assert edited(text, AddParameter(first(text), "self")) == "def f[T: (int)](self, x: T):\n    pass\n"


def test_parameter_before_stars():
    text = "def f(\n    *args,\n    x,\n):\n    pass\n"
    assert edited(text, AddParameter(first(text), "self")).startswith("def f(\n    self,\n    *args,\n    x,\n)")


@pytest.mark.parametrize("text", ["a  # why\n.b", "f(\n    1  # why\n)"])
def test_no_comment_is_lost(text):
    text = f"({text})"
    node = first(text).value
    args = getattr(node, "args", [])
    operation = Rewrite(node, "g", (New("1"),)) if args else Replace(node, "c")
    with pytest.raises(Unfixable):
        edits_of([operation], Text(text))


def test_a_comment_behind_a_parenthesis_stays():
    text = "f(  # why\n    1\n)"
    assert edited(text, Rewrite(first(text).value, "g", (New("2"),))) == "g(  # why\n    2\n)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os\n\nimport a\n\nx = 1\n", "import os\n\nx = 1\n"),
        ("import os\n\nimport a\n\n\nx = 1\n", "import os\n\n\nx = 1\n"),
        ("import os\n\n\nimport a\n\nx = 1\n", "import os\n\n\nx = 1\n"),
        ("import os\n\nimport a\n", "import os\n"),
        ("import os\nimport a\nx = 1\n", "import os\nx = 1\n"),
        ("\nimport a\n\nx = 1\n", "\nx = 1\n"),
    ],
)
def test_blank_lines_around_an_import_that_goes(text, expected):
    tree = ast.parse(text)
    candidates = collect(tree)
    (binding,) = candidates.scope.bindings["a"]
    assert edited(text, RemoveImport(binding)) == expected


# Many fixes.

CONFLICT = """

@shared_task(name="task_{0}", bind=True)
def task_{0}(): ...
"""

BAD_FIX = """

@shared_task(name="bad_{0}", bind=True)
def bad_{0}(self):
    try:
        raise self.retry(exc=ValueError())
    except MaxRetriesExceededError:
        pass


@shared_task(name="task_{0}", bind=True)
def task_{0}(self, x):
    try:
        print(x)
    except OSError as exc:
        try:
            raise self.retry(exc)
        except MaxRetriesExceededError:
            print(x)
"""

MANY_HEAD = "from celery import shared_task\nfrom celery.exceptions import MaxRetriesExceededError\n"


@pytest.mark.parametrize("block", [CONFLICT, BAD_FIX], ids=["two that conflict", "one that is not good"])
def test_the_number_of_attempts_does_not_grow_with_that_of_the_fixes(tmp_path, monkeypatch, block):
    """Each attempt takes as long as a check of the file: it must not be one for each fix."""
    attempts = []
    apply = rounds.Attempts.apply
    monkeypatch.setattr(rounds.Attempts, "apply", lambda *given: attempts.append(1) or apply(*given))
    counted = {}
    for blocks in (5, 40):
        write(tmp_path, {"shop/tasks.py": MANY_HEAD + "".join(block.format(number) for number in range(blocks))})
        session.forget()
        attempts.clear()
        fix(tmp_path / "shop/tasks.py")
        counted[blocks] = len(attempts)
    assert counted[40] == counted[5]


def test_of_two_fixes_that_conflict_one_is_applied(tmp_path):
    write(tmp_path, {"shop/tasks.py": MANY_HEAD + "".join(CONFLICT.format(number) for number in range(5))})
    (result,) = fix(tmp_path / "shop/tasks.py")
    assert len(result.violations) >= 5
    assert not fix(tmp_path / "shop/tasks.py")
    assert judge.check(*_judged(tmp_path / "shop/tasks.py")) == []


def _judged(path):
    known = session.project_of(str(path), rounds.Order().options)
    text = path.read_text()
    return known, known.open(str(path), text.splitlines(keepends=True), ast.parse(text))
