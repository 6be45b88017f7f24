"""Files that are fixed: what is kept of them, and what is left alone."""

from __future__ import annotations

import ast
import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.fixer import diff, rounds
from flake8_celery_tasks.fixer import files as fixer_files
from flake8_celery_tasks.fixer.files import fix_files
from tests.fixing import AFTER, BEFORE, DJANGO, UNSAFE, fix
from tests.helpers import write


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
    write(tmp_path, {"content/tasks.py": content, "blog/views.py": text, **DJANGO})
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
    assert result.message == "has changed in the meantime, left alone"
    assert shop.read_text(encoding="utf-8") == BEFORE + "x = 1\n"
    assert names(shop.parent) == ["__init__.py", "tasks.py"]


@pytest.mark.parametrize("step", ["mkstemp", "replace"])
def test_file_that_can_not_be_written(step, shop, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(regular.tempfile if step == "mkstemp" else fixer_files.os, step, fail)
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


# Bytes.


@pytest.mark.parametrize("encoding", ["cp932", "iso2022_jp", "mac_arabic", "mac_farsi", "utf_7"])
def test_encodings_that_do_not_give_the_same_bytes_back(encoding, tmp_path):
    """Some bytes have two readings, and some readings two spellings: a file stays where its own don't come back."""
    odd = {"cp932": b"\x87\x90", "iso2022_jp": b"\x1b(Bx", "utf_7": b"+AGE-"}.get(encoding, b"x")
    content = b"# coding: " + encoding.encode() + b"\nNAME = '" + odd + b"'\n" + BEFORE.replace("\u00e4", "").encode()
    path = tmp_path / "shop" / "tasks.py"
    write(tmp_path, {"shop/tasks.py": ""})
    path.write_bytes(content)
    assert compile(content, "tasks.py", "exec")
    (result,) = fix(path)
    assert result.message.startswith("does not come back from ")
    assert path.read_bytes() == content


def test_hard_links_keep_their_file(shop):
    other = shop.parent / "other.txt"
    os.link(shop, other)
    (result,) = fix(shop)
    assert not result.message
    assert shop.read_text(encoding="utf-8") == other.read_text(encoding="utf-8") == AFTER
    assert shop.samefile(other)


def test_a_hard_link_that_changes_meanwhile(shop, monkeypatch):
    os.link(shop, shop.parent / "other.txt")
    fixed = rounds.fix_text

    def change(*given):
        shop.write_text("x = 1\n", encoding="utf-8")
        return fixed(*given)

    monkeypatch.setattr(fixer_files, "fix_text", change)
    (result,) = fix(shop)
    assert result.message == "has changed in the meantime, left alone"
    assert shop.read_text(encoding="utf-8") == "x = 1\n"


def test_a_file_that_can_not_be_opened(shop, monkeypatch):
    def refuse(*_given, **_more):
        raise PermissionError

    monkeypatch.setattr("builtins.open", refuse)
    assert fixer_files.read(str(shop)) is None


def test_a_folder_may_be_as_deep_as_the_system_allows():
    deep = "/".join(["x"] * 1_900)
    assert not fixer_files.is_installed(f"/{deep}/tasks.py")
    assert fixer_files.is_installed(f"/lib/site-packages/{deep}/tasks.py")


@pytest.mark.parametrize(
    ("head", "task", "said"),
    [
        ("# caf\xe9\n", "@shared_task(bind=True)\ndef a(): ...\n", "can't be decoded, left alone"),
        ("# coding: nope\n", "@shared_task(bind=True)\ndef a(): ...\n", "can't be decoded, left alone"),
        ("# caf\xe9\n", "", ""),
        ("# coding: nope\n", "", ""),
    ],
)
def test_what_can_not_be_decoded_is_told_if_it_has_fixes(tmp_path, head, task, said):
    """flake8 reads it as Latin-1, and reports what is in it."""
    (tmp_path / "pyproject.toml").touch()
    path = tmp_path / "tasks.py"
    content = f"{head}from celery import shared_task\n\n\n{task}".encode("latin-1")
    path.write_bytes(content)
    proposed = fixer_files.propose(str(path), rounds.Order(unsafe=True))
    assert (proposed.result.message, proposed.is_parsed) == (said, bool(said))
    assert [one.message for one in fix_files([str(path)], rounds.Order(unsafe=True))] == ([said] if said else [])
    assert path.read_bytes() == content
