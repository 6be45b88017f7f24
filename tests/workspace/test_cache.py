"""The index on disk can only help: whatever happens to it, the findings are right and the next run is fine."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import time

import pytest

from flake8_celery_tasks.binding.summary import merge
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.resolution import modules
from flake8_celery_tasks.workspace import cache, files
from tests.helpers import write

open_cache = functools.partial(cache.Cache, merge=merge)

TASKS = """\
import functools
from celery import Task, shared_task
from shop.constants import *
from shop.jobs import job

OPTIONS = {"bind": False, "expires": 1.5, "headers": (1, -2, 3 << 70, None), "x": b"\\xff", **EXTRA}
TABLE = {"a": [1j, ..., {*()}], f"{PREFIX}-x": f(1, *a, k=v, **o), 2**70: func().attr}
late = None

for turn in OPTIONS:
    pass


@shared_task(name=PREFIX + ".one", **OPTIONS)
def one(a, /, b=1, *c, d, e=2, **f):
    return late


@job()
def two(x: int): ...


class Three(Task, metaclass=type):
    name = "three"

    def run(self):
        self.retry()


class Four(Three):
    ignore_result = True

    def run(self): ...


def outer():
    @shared_task(name="inner")
    def inner(): ...

    return inner


if late:
    from celery import shared_task as again
"""

FILES = {
    "shop/tasks.py": TASKS,
    "shop/constants.py": 'PREFIX = "shop"\nEXTRA = {}\n',
    "shop/jobs.py": (
        "from celery import shared_task\n\n\ndef job(**options):\n    return shared_task(name='job', **options)\n"
    ),
    "shop/broken.py": "task = (\n",
    "shop/plain.py": "x = 1\n",
    "shop/views.py": "from shop.tasks import one\n\none.delay(1, d=2)\n",
}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, FILES)
    grow_old(folder)
    return folder


def grow_old(folder):
    """Make files look as if they had been written long ago, as far as a clock can be set back."""
    past = time.time() - 100
    for path in folder.rglob("*.py"):
        os.utime(path, (past, past))


@pytest.fixture(autouse=True)
def _old_files_are_kept(monkeypatch):
    # The change time of a file can't be set back.
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))


def index_of(folder, **options):
    """Return the index of a project, as a run of its own would make it, in a form that can be compared."""
    session.forget()
    known = session.project_of(str(folder / "shop" / "tasks.py"), Options.of(options))
    index = tasks_of(known)
    names = {
        name: [
            (
                found.module.place.relative,
                found.symbol.qualname,
                found.symbol.line,
                found.decorator.form,
                sorted((key, repr(known.settle(*value))) for key, value in found.decorator.keywords.items()),
                repr(getattr(found.symbol, "params", None)),
                found.symbol.attributes,
            )
            for found in definitions
        ]
        for name, definitions in index.by_name.items()
    }
    return names, sorted(index.possible), sorted(map(os.path.basename, index.unread))


def count_parses(monkeypatch):
    parsed = []
    real = modules.parse
    monkeypatch.setattr(modules, "parse", lambda text: parsed.append(text) or real(text))
    return parsed


def caches(folder):
    return sorted((folder.parent / "cache").glob("*"))


def test_cold_and_warm_agree_and_warm_parses_nothing(shop, monkeypatch):
    cold = index_of(shop)
    assert set(cold[0]) == {"shop.one", "job", "three", "inner"}
    assert len(caches(shop)) == 1
    # What was asked for beyond the index is kept when it is asked for to be kept.
    next(iter(session._projects.values())).save()
    parsed = count_parses(monkeypatch)
    assert index_of(shop) == cold
    assert [text for text in parsed if text != FILES["shop/broken.py"].encode()] == []


@pytest.mark.parametrize(
    "symbol", ["OPTIONS", "TABLE", "one", "two", "Three", "outer", "again", "late", "missing", "turn"]
)
def test_symbols_survive(shop, symbol):
    session.forget()
    path = str(shop / "shop" / "tasks.py")
    first = session.project_of(path, Options())
    assert tasks_of(first)
    module = first.module(path)
    wanted = describe(first, module, symbol)
    first.save()
    session.forget()
    second = session.project_of(path, Options())
    assert tasks_of(second)
    again = second.module(path)
    assert again.tree is None
    assert describe(second, again, symbol) == wanted
    assert again.symbols("never_asked_for") == ()
    assert not again.binds(symbol) or symbol in again.known_symbols()


def describe(known, module, name):
    return [
        (
            type(symbol).__name__,
            repr(known.settle(symbol.value, module)) if hasattr(symbol, "value") else "",
            repr(getattr(symbol, "params", "")),
            getattr(symbol, "returns", ""),
            getattr(symbol, "mentions", ""),
            getattr(symbol, "attributes", ""),
            getattr(symbol, "names", ""),
            getattr(symbol, "path", ""),
        )
        for symbol in module.symbols(name)
    ], (module.stars, module.dynamic, module.names(), module.definable())


@pytest.mark.parametrize("step", range(0, 101, 4))
def test_truncated(shop, step):
    wanted = index_of(shop)
    file = caches(shop)[0]
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * step // 100])
    assert index_of(shop) == wanted
    assert index_of(shop) == wanted


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\x00" * 1000, b"[]", b"{}\n{}", b"x" * 500 + b"\n{}", None, "digest of a list", "digest of no JSON"],
)
def test_foreign_content(shop, content):
    wanted = index_of(shop)
    file = caches(shop)[0]
    if content is None:
        file.unlink()
        file.mkdir()
    elif isinstance(content, str):
        body = b"[1]" if "list" in content else b"[" * 100_000
        file.write_bytes(cache._digest(body) + b"\n" + body)
    else:
        file.write_bytes(content)
    assert index_of(shop) == wanted
    assert index_of(shop) == wanted


GOOD = [[1, 2, 3, 4], True, None, 0, 0]


@pytest.mark.parametrize(
    ("entries", "are_sound"),
    [
        ([], True),
        ([GOOD], True),
        ([GOOD, [[1, 2, 3, 4], False, {}, 1, 1]], True),
        ([GOOD, {}], False),
        ([GOOD, GOOD[:4]], False),
        ([GOOD, [[1, 2, 3, "4"], True, None, 0, 0]], False),
        ([GOOD, [[1, 2, 3], True, None, 0, 0]], False),
        ([GOOD, [None, True, None, 0, 0]], False),
        ([GOOD, [[1, 2, 3, 4], 1, None, 0, 0]], False),
        ([GOOD, [[1, 2, 3, 4], True, [], 0, 0]], False),
        ([GOOD, [[1, 2, 3, 4], True, None, True, 0]], False),
        ([GOOD, [[1, 2, 3, 4], True, None, 0, "0"]], False),
    ],
)
def test_the_shape_of_entries(entries, are_sound):
    data = {str(number): entry for number, entry in enumerate(entries)}
    assert cache._entries(data) == (data if are_sound else {})


def change(shop, name, text):
    path = shop / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("same_size", [True, False])
def test_an_edit_is_seen(shop, same_size):
    assert "shop.one" in index_of(shop)[0]
    change(shop, "shop/tasks.py", TASKS.replace(".one", ".uno" if same_size else ".first"))
    found = index_of(shop)[0]
    assert "shop.one" not in found
    assert ("shop.uno" if same_size else "shop.first") in found


def test_an_edit_within_the_clocks_grain_is_seen(shop, monkeypatch):
    """Same size, same stamps: what is as young as that is not kept."""
    monkeypatch.setattr(cache, "RACY_NS", 2_000_000_000)
    index_of(shop)
    assert not caches(shop)
    mine = open_cache(str(shop))
    mine.note("old.py", [1, 1, 1, 1], passes=True)
    mine.note("young.py", [time.time_ns(), 1, 1, 1], passes=True)
    mine.save({"old.py", "young.py"})
    assert [path for path in open_cache(str(shop)).entries if path] == ["old.py"]


def test_a_cache_is_written_where_it_saves_time(shop, monkeypatch):
    index_of(shop)
    (path,) = caches(shop)
    before = path.stat().st_ino
    change(shop, "shop/plain.py", "import celery\n")
    monkeypatch.setattr(cache, "_WORTH", 1)
    index_of(shop)
    assert path.stat().st_ino == before, "looking at one file again is faster"
    monkeypatch.setattr(cache, "_WORTH", 1000)
    index_of(shop)
    assert path.stat().st_ino != before


def test_what_a_process_has_written_is_not_read_by_it(shop, monkeypatch):
    index_of(shop)
    mine = open_cache(str(shop))
    mine._write()
    monkeypatch.setattr(cache, "read", None)
    mine._write()


def test_an_edit_that_keeps_the_modification_time_is_seen(shop):
    index_of(shop)
    path = shop / "shop/tasks.py"
    before = path.stat()
    path.write_text(TASKS.replace(".one", ".uno"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "shop.uno" in index_of(shop)[0]


def test_rename_delete_and_new_files_are_seen(shop):
    index_of(shop)
    (shop / "shop/tasks.py").rename(shop / "shop/more.py")
    assert index_of(shop)[0]["shop.one"][0][0] == "shop/more.py"
    (shop / "shop/more.py").unlink()
    assert not index_of(shop)[0]
    change(shop, "other/tasks.py", "from celery import shared_task\n\n\n@shared_task(name='new')\ndef new(): ...\n")
    assert set(index_of(shop)[0]) == {"new"}
    entries = json.loads(caches(shop)[0].read_bytes().partition(b"\n")[2])
    assert not any("more.py" in path for path in entries)


def test_a_constant_elsewhere_is_seen(shop):
    index_of(shop)
    change(shop, "shop/constants.py", 'PREFIX = "store"\nEXTRA = {}\n')
    assert "store.one" in index_of(shop)[0]


def test_files_that_take_each_others_place_are_told_apart(shop):
    """Where folders or links change places, no time of a file in them changes."""
    one, other = shop / "shop/tasks.py", shop / "shop/constants.py"
    assert cache.stamp(str(one))[3] != cache.stamp(str(other))[3]


def test_another_package_around_a_file_is_seen(shop):
    """Where relative imports lead, the file's own stamp does not say."""
    write(
        shop,
        {
            "src/pay/tasks.py": "from celery import shared_task\nfrom ..base import NAME\n\n\n"
            "@shared_task(name=NAME)\ndef pay(): ...\n",
            "src/base.py": "NAME = 'from.above'\n",
        },
    )
    index_of(shop)
    (shop / "src/__init__.py").touch()
    warm = index_of(shop)
    assert warm == index_of(shop, celery_no_cache=True)
    assert "from.above" in warm[0]


def test_what_was_read_before_a_change_is_not_kept_as_what_came_after(shop):
    session.forget()
    known = session.project_of(str(shop / "shop/tasks.py"), Options())
    known.module(str(shop / "shop/tasks.py")).symbols("one")
    change(shop, "shop/tasks.py", TASKS.replace(".one", ".two"))
    _ = tasks_of(known)
    known.save()
    assert "shop.two" in index_of(shop)[0]


def test_summaries_of_other_packages_are_no_parts_of_one(shop):
    """Two runs at once, and a new `__init__.py` in between."""
    index_of(shop)
    path = str(shop / "shop/tasks.py")
    mine = open_cache(str(shop))
    theirs = open_cache(str(shop))
    theirs.entries[path][2].update(package="other", symbols={"added": [["o"]]})
    theirs._write()
    mine._write()
    assert "added" not in mine.entries[path][2]["symbols"]
    assert open_cache(str(shop)).summary(path, "shop") is not None
    assert open_cache(str(shop)).summary(path, "other") is None


def test_what_others_have_written_is_learnt(shop):
    index_of(shop)
    path = str(shop / "shop/tasks.py")
    mine = open_cache(str(shop))
    theirs = open_cache(str(shop))
    theirs.note(str(shop / "shop/new.py"), cache.stamp(path), passes=True)
    theirs._write()
    known = mine.entries[path][2]
    mine.entries[path][2] = None
    mine._write()
    assert mine.entries[path][2] == known
    assert open_cache(str(shop)).summary(path, "shop") == known


def test_what_others_have_written_is_not_learnt_where_it_is_not_sound(shop):
    index_of(shop)
    path = str(shop / "shop/tasks.py")
    mine = open_cache(str(shop), is_sound=lambda summary: "odd" not in summary)
    theirs = open_cache(str(shop))
    theirs.entries[path][2]["odd"] = True
    theirs._write()
    mine.entries[path][2] = None
    mine._write()
    assert mine.entries[path][2] is None


def test_a_summary_that_is_not_sound_is_none(shop):
    index_of(shop)
    path = str(shop / "shop/tasks.py")
    assert open_cache(str(shop)).kept_summary(path, "shop") is not None
    doubtful = open_cache(str(shop), is_sound=lambda summary: False)
    assert doubtful.kept_summary(path, "shop") is None
    assert doubtful.entries[path][2] is None


def test_another_version_has_a_cache_of_its_own(shop, monkeypatch):
    wanted = index_of(shop)
    monkeypatch.setattr(cache, "__version__", "0.0.0")
    assert index_of(shop) == wanted
    assert len(caches(shop)) == 2


def test_switched_off(shop):
    wanted = index_of(shop, celery_no_cache="true")
    assert not caches(shop)
    assert index_of(shop) == wanted


def test_no_place_to_write(shop, monkeypatch):
    (shop.parent / "cache").write_text("a file where the folder should be")
    wanted = index_of(shop)
    assert index_of(shop) == wanted


def test_a_full_disk(shop, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    wanted = index_of(shop)
    assert not caches(shop)
    monkeypatch.undo()
    assert wanted[0]


def test_an_interrupt_leaves_nothing_behind(shop, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        index_of(shop)
    assert not caches(shop)


def test_too_large_a_cache_is_not_written(shop, monkeypatch):
    monkeypatch.setattr(cache, "MAX_BYTES", 100)
    index_of(shop)
    assert not caches(shop)


def test_old_caches_and_leavings_are_dropped(shop, monkeypatch):
    folder = shop.parent / "cache"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number:032}.json").touch()
        os.utime(folder / f"{number:032}.json", (number, number))
    for name in (".young.tmp", ".old.tmp", "note.tmp", "note.json"):
        (folder / name).touch()
    for name in (".old.tmp", "note.tmp", "note.json"):
        os.utime(folder / name, (1, 1))
    monkeypatch.setattr(cache, "MAX_FILES", 3)
    index_of(shop)
    left = {path.name for path in caches(shop)}
    assert ".young.tmp" in left
    assert ".old.tmp" not in left
    assert {"note.tmp", "note.json"} <= left  # the folder may be a link to one with other files
    assert len([name for name in left if name.endswith(".json")]) == 4
    assert {f"{3:032}.json", f"{4:032}.json"} <= left


def test_many_processes_at_once(shop):
    code = (
        "import sys; from flake8_celery_tasks.core.options import Options\n"
        "from flake8_celery_tasks.engine import session; from flake8_celery_tasks.workspace import cache\n"
        "from flake8_celery_tasks.celery_model.registry import tasks_of\n"
        f"cache.folder = lambda: {str(shop.parent / 'cache')!r}; cache.RACY_NS = -10**12\n"
        f"print(sorted(tasks_of(session.project_of({str(shop / 'shop/tasks.py')!r}, Options())).by_name))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)
    ]
    results = [process.communicate() for process in running]
    assert {output for output, _ in results} == {f"{sorted(index_of(shop)[0])}\n".encode()}
    assert not any(error for _, error in results)


def test_a_file_that_changes_during_the_run(shop, monkeypatch):
    """What was read is what is judged; the next run sees the new file."""
    real = files.Disk._content
    changed = []

    def read(self, path, current, *most):
        text = real(self, path, current, *most)
        if path.endswith("tasks.py") and not changed:
            changed.append(path)
            change(shop, "shop/tasks.py", TASKS.replace(".one", ".during"))
        return text

    monkeypatch.setattr(files.Disk, "_content", read)
    index_of(shop)
    monkeypatch.undo()
    monkeypatch.setattr(cache, "folder", lambda: str(shop.parent / "cache"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))
    assert "shop.during" in index_of(shop)[0]


def test_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "flake8-celery-tasks" in cache.folder()


def test_a_vanished_file_has_no_stamp(tmp_path):
    assert cache.stamp(str(tmp_path / "no.py")) is None
    known = open_cache(str(tmp_path), enabled=False)
    known.note("x", None, passes=True)
    assert not known.entries
    assert known.passes("x", None) is None


def test_what_a_file_holds_is_kept(shop, monkeypatch):
    """So that a warm run opens no file to ask the same questions again."""
    first = session.project_of(str(shop / "shop/tasks.py"), Options())
    asked = [(b"shared_task",), (b"elery", b"delay"), (b"no such task",)]
    expected = [list(first.files.holding(*marks)) for marks in asked]
    assert [len(found) for found in expected] == [2, 3, 0]
    session.save()
    session.forget()
    second = session.project_of(str(shop / "shop/tasks.py"), Options())
    read = []
    real = files.Disk._content
    monkeypatch.setattr(files.Disk, "_content", lambda *given: read.append(given[1]) or real(*given))
    assert [list(second.files.holding(*marks)) for marks in reversed(asked)] == expected[::-1]
    assert read == []
    assert len(list(second.files.holding(b"task = "))) == 1, "what was not asked before is looked for"
    assert read
    session.forget()
    change(shop, "shop/plain.py", "shared_task = 1\n")
    third = session.project_of(str(shop / "shop/tasks.py"), Options())
    read.clear()
    assert [list(third.files.holding(*marks)) for marks in asked] == [
        sorted([*expected[0], str(shop / "shop/plain.py")]),
        *expected[1:],
    ]
    assert read == [str(shop / "shop/plain.py")]


def test_what_an_old_state_held_is_not_noted(tmp_path):
    known = open_cache(str(tmp_path), enabled=False)
    known.note("x", [1], passes=True)
    bits = known.bits([b"a", b"b"])
    known.note_marks("x", [2], 3, 3)
    assert known.holds("x", [1], bits[b"a"]) is None
    known.note_marks("x", [1], bits[b"a"] | bits[b"b"], bits[b"b"])
    assert known.holds("x", [1], bits[b"a"]) is False
    assert known.holds("x", [1], bits[b"a"] | bits[b"b"]) is True
    assert known.holds("x", [2], bits[b"b"]) is None
    assert known.holds("y", [1], bits[b"b"]) is None
    assert known.bits([b"b"]) == {b"b": bits[b"b"]}


def test_the_cache_of_one_project_is_not_the_others(tmp_path):
    assert open_cache(str(tmp_path / "a")).path != open_cache(str(tmp_path / "b")).path
