"""What is opened and what is not, on systems that have little or much."""

from __future__ import annotations

import os
import stat
import sys
from types import SimpleNamespace

import pytest

from flake8_celery_tasks.core import regular

PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")


def test_the_first_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert [regular.read(str(path), most) for most in (-1, 0, 4, 99)] == [b"0123456789", b"", b"0123", b"0123456789"]


@pytest.mark.parametrize("most", [-1, 4])
@PIPES
def test_a_pipe_is_not_waited_for(tmp_path, most):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        regular.read(str(path), most)


@PIPES
def test_a_file_that_becomes_a_pipe_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    answers = iter([True, False])
    monkeypatch.setattr(stat, "S_ISREG", lambda _: next(answers))
    with pytest.raises(OSError, match="not a regular file"):
        regular.read(str(path))


@PIPES
def test_a_file_that_has_nothing_to_give_yet(tmp_path, monkeypatch):
    """Some files of the kernel say that they are regular ones, and have their reader wait."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setattr(stat, "S_ISREG", lambda _: True)
    writer = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="nothing to be read"):
            regular.read(str(path))
    finally:
        os.close(writer)


@pytest.mark.parametrize("has_attributes", [True, False])
def test_what_a_file_takes_over(tmp_path, monkeypatch, has_attributes):
    for name, mode in (("a", 0o444), ("b", 0o600)):
        (tmp_path / name).touch(mode)
    own = os.stat(tmp_path / "b")  # noqa: PTH116 - the function that is replaced below
    asked = []
    found = SimpleNamespace(st_uid=own.st_uid + 1, st_gid=own.st_gid, st_mode=own.st_mode & ~0o777 | 0o444)
    monkeypatch.setattr(os, "stat", lambda path: found if str(path).endswith("a") else own)
    monkeypatch.setattr(os, "chown", lambda *given: asked.append(("chown", *given)), raising=False)
    monkeypatch.setattr(os, "chmod", lambda *given: asked.append(("chmod", *given)))
    if has_attributes:
        monkeypatch.setattr(os, "listxattr", lambda _: ["user.note"], raising=False)
        monkeypatch.setattr(os, "getxattr", lambda *_: b"kept", raising=False)
        monkeypatch.setattr(os, "setxattr", lambda *given: asked.append(("setxattr", *given)), raising=False)
    else:
        monkeypatch.delattr(os, "listxattr", raising=False)
    regular.take_over("a", "b")
    monkeypatch.undo()
    kept = [("setxattr", "b", "user.note", b"kept")] if has_attributes else []
    assert asked == [("chown", "b", own.st_uid + 1, own.st_gid), *kept, ("chmod", "b", 0o444)]


def test_a_list_that_the_folder_gives_to_new_files_is_removed(tmp_path, monkeypatch):
    """Users whom it names could otherwise read a file that is closed to them."""
    for name in ("a", "b"):
        (tmp_path / name).touch()
    removed = []
    named = {"a": ["user.note"], "b": ["user.note", "system.posix_acl_access", "security.label"]}
    monkeypatch.setattr(os, "listxattr", lambda path: named[path[-1]], raising=False)
    monkeypatch.setattr(os, "getxattr", lambda *_: b"kept", raising=False)
    monkeypatch.setattr(os, "setxattr", lambda *_: None, raising=False)
    monkeypatch.setattr(os, "removexattr", lambda path, name: removed.append((path[-1], name)), raising=False)
    regular.take_over(str(tmp_path / "a"), str(tmp_path / "b"))
    assert removed == [("b", "system.posix_acl_access")]


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="not so on Windows")


@POSIX
def test_writing_keeps_the_other_names_of_a_file(tmp_path):
    path, other = tmp_path / "known.json", tmp_path / "other.json"
    path.write_text("old and long")
    os.link(path, other)
    regular.write(str(path), "new")
    assert other.read_text() == "new"
    assert not regular.exchange(str(path), b"newer", b"old")
    assert regular.exchange(str(path), b"newer", b"new")
    assert path.read_text() == other.read_text() == "newer"


@POSIX
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_overwriting_that_fails_halfway_is_undone(tmp_path, monkeypatch, error):
    path = tmp_path / "tasks.py"
    path.write_bytes(b"old\n" * 9)
    os.link(path, tmp_path / "other.py")
    fill = regular._fill
    contents = []

    def fail(file, content):
        contents.append(content)
        if len(contents) == 1:
            fill(file, content[:5])
            raise error
        fill(file, content)

    monkeypatch.setattr(regular, "_fill", fail)
    with pytest.raises(type(error)):
        regular.exchange(str(path), b"new\n" * 20, b"old\n" * 9)
    assert path.read_bytes() == b"old\n" * 9


@POSIX
def test_writing_keeps_owner_and_attributes(tmp_path, monkeypatch):
    path = tmp_path / "known.json"
    path.write_text("old")
    path.chmod(0o640)
    taken = []
    monkeypatch.setattr(regular, "take_over", lambda *given: taken.append(given))
    regular.write(str(path), "new")
    assert [given[0] for given in taken] == [str(path)]
    assert path.read_text() == "new"
    found = path.stat().st_ino

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(regular, "take_over", refuse)
    regular.write(str(path), "newer")
    assert (path.read_text(), path.stat().st_ino) == ("newer", found)
    assert list(tmp_path.iterdir()) == [path]


@PIPES
def test_what_is_waited_for(tmp_path, monkeypatch):
    empty, text, pipe = (tmp_path / name for name in ("empty", "text", "pipe"))
    empty.write_bytes(b"")
    text.write_bytes(b"1")
    os.mkfifo(pipe)
    found = [regular.is_waited_for(str(path)) for path in (empty, text, tmp_path / "none", "a\0", pipe, tmp_path)]
    assert found == [False, False, False, False, True, True]

    def refuse(*_given):
        raise BlockingIOError

    monkeypatch.setattr(os, "read", refuse)  # as the kernel does for its log
    assert [regular.is_waited_for(str(path)) for path in (empty, text)] == [True, False]


def test_files_are_read_once_for_several_questions(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"0")
    with regular.remembering():
        first = regular.read(str(path))
        monkeypatch.chdir(tmp_path)
        assert regular.read("a") is first
        assert regular.read("a", 0) == b""
        with regular.remembering():
            assert regular.read("a") is first
        path.write_bytes(b"12")
        assert regular.read("a") == b"12", "it has changed"
    assert regular.read("a") is not regular.read("a")


def test_no_more_is_remembered_than_there_is_room_for(tmp_path, monkeypatch):
    monkeypatch.setattr(regular, "REMEMBERED", 3)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"12")
    with regular.remembering():
        paths = [str(tmp_path / name) for name in ("a", "b")]
        assert [regular.read(path) is regular.read(path) for path in paths] == [True, False]
