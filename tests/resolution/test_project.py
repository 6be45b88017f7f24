"""The project as it is read: what stays in memory, what is read, what stands in for what."""

from __future__ import annotations

from pathlib import Path

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model.task import retried_in
from flake8_celery_tasks.resolution import modules
from flake8_celery_tasks.resolution.overlay import Edited
from flake8_celery_tasks.workspace import files
from flake8_celery_tasks.workspace.source import Source
from tests.helpers import opened, project_at


def test_trees_are_dropped_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT", 2)
    files = {f"m{number}.py": f"from m{number + 1} import x\n\ny = {number}\n" for number in range(6)}
    known = project_at(tmp_path, {**files, "m6.py": "x = 5\n", "broken.py": "def (:\n"})
    text = files["m0.py"]
    current = opened(known, tmp_path, "m0.py", text)
    assert known.settle(Ref(":x"), current) == 5
    assert known.module(str(tmp_path / "broken.py")) is None
    assert current.tree is not None, "the file at hand keeps its nodes"
    module = known.module(str(tmp_path / "m1.py"))
    assert module.tree is None
    assert known.settle(Ref(":y"), module) == 1, "and is parsed again when it is asked for more"
    assert sum(kept is not None and kept.tree is not None for kept in known._modules.values()) <= 2
    (tmp_path / "m2.py").unlink()
    gone = known.module(str(tmp_path / "m2.py"))
    assert gone.symbols("other") == ()
    assert gone.candidates.scope.bindings == {}


def test_a_file_that_can_not_be_read(tmp_path):
    known = project_at(tmp_path, {"a.py": "x = 1\n"})
    assert known.files.read(str(tmp_path / "gone.py")) is None
    assert known.files.read("nul\0byte") is None
    assert known.module(str(tmp_path / "gone.py")) is None
    (tmp_path / "folder.py").mkdir()
    assert known.files.read(str(tmp_path / "folder.py")) is None


def test_what_can_not_be_read_takes_the_place_of_no_tree(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT", 1)
    known = project_at(tmp_path, {"a.py": "x = 1\n"})
    assert known.module(str(tmp_path / "gone.py")) is None
    module = known.module(str(tmp_path / "a.py"))
    assert module.tree is not None
    assert known.module(str(tmp_path / "lost.py")) is None
    assert module.tree is None


def test_a_file_that_is_closed_is_what_is_on_disk_or_a_buffer(tmp_path):
    known = project_at(tmp_path, {"a.py": "x = 1\r\n"})
    same = opened(known, tmp_path, "a.py", "x = 1\n")
    known.close(same)
    assert same.is_from_disk
    assert known.files.is_as_on_disk
    buffer = opened(known, tmp_path, "a.py", "x = 2\n")
    known.close(buffer)
    assert not buffer.is_from_disk
    assert not known.files.is_as_on_disk


def test_what_is_open_stands_for_the_file(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": "x = 1\n", "shop/other.py": "from shop.tasks import x\n"})
    opened(known, tmp_path, "shop/tasks.py", "x = 2\n")
    other = known.module(str(tmp_path / "shop/other.py"))
    assert known.settle(Ref(":x"), other) == 2


def test_what_was_lent_may_go_when_it_has_come_again(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT", 1)
    known = project_at(tmp_path, {f"m{number}.py": f"x{number} = 1\n" for number in range(4)})
    paths = [str(tmp_path / f"m{number}.py") for number in (0, 1, 0, 2, 0, 3)]
    lent = known.module(paths[0]).candidates
    seen = []
    for path, module in known.modules_of(paths):
        seen.append(module.candidates if path == paths[0] else None)
    assert [found.scope.bindings.keys() for found in (lent, seen[0])] == [{"x0"}, {"x0"}]
    assert seen[0] is lent
    assert [dict(found.scope.bindings) for found in (seen[2], seen[4])] == [{}, {}]


def test_what_an_editor_holds_is_not_kept(tmp_path):
    files = {"a.py": "task = 1\n", "b.py": "task = 2\n"}
    known = project_at(tmp_path, files)
    opened(known, tmp_path, "a.py", "task = 1\nshared_task = 1\n")
    assert [Path(path).name for path in known.files.holding(b"shared_task")] == ["a.py"]
    current, bits = known.files.disk.stamps[str(tmp_path / "a.py")], known.files.disk.cache.bits([b"shared_task"])
    assert known.files.disk.cache.holds(str(tmp_path / "a.py"), current, bits[b"shared_task"]) is None


def test_a_file_that_is_too_large_is_checked_and_unknown_to_others(tmp_path, monkeypatch):
    text = "from celery import shared_task\n\n\n@shared_task\ndef bill(): ...\n"
    known = project_at(tmp_path, {"shop/tasks.py": text, "shop/views.py": "from shop.tasks import bill\n"})
    monkeypatch.setattr(files, "MAX_BYTES", len(text) - 1)
    module = opened(known, tmp_path, "shop/tasks.py", text)
    assert [symbol.qualname for symbol in module.symbols("bill")] == ["bill"]
    known.close(module)
    assert known.module(str(tmp_path / "shop/tasks.py")) is None


def test_an_edited_project_holds_the_trees_of_what_it_stands_on(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT", 1)
    known = project_at(tmp_path, {f"m{number}.py": f"x = {number}\n" for number in range(5)})
    edited = Edited(known, {str(tmp_path / "m0.py"): "x = 7\n"})
    held = edited.module(str(tmp_path / "m1.py"))
    edited.hold(held)
    for number in range(2, 5):
        assert edited.module(str(tmp_path / f"m{number}.py")) is not None
    assert held.tree is not None
    assert edited.settle(Ref(":x"), edited.module(str(tmp_path / "m0.py"))) == 7


def test_what_was_found_out_for_other_texts_is_released(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": "from celery import shared_task\n", "shop/views.py": "x = 1\n"})
    edited = Edited(known, {str(tmp_path / "shop/views.py"): "x = 2\n"})
    tasks = known.module(str(tmp_path / "shop/tasks.py"))
    for asking in (known, edited):
        assert retried_in(tasks, asking) == set()
    edited.release()
    assert [asked[1] for asked in tasks.answers if asked[0].__name__ == "retried_in"] == [known]


def test_a_tree_that_a_question_needs_is_kept_until_the_file_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT", 1)
    text = "def task(): ...\n\n\ntask()\n"
    known = project_at(tmp_path, {"a.py": text, "b.py": "task = 1\n", "c.py": "task = 1\n"})
    path, source = str(tmp_path / "a.py"), Source.of(text)
    known.expect([path])
    assert path in [one for one, _ in known.modules_of(known.files.holding(b"task"))]
    tree = known.tree_of(path, source)
    assert tree is not None
    assert known.tree_of(path, Source.of("task = 2\n")) is None
    assert known.tree_of(str(tmp_path / "b.py"), Source.of("task = 1\n")) is None, "it was not announced"
    found = known.module(path).surface
    assert [len(found.calls), found] == [1, known.module(path).candidates], "all of it will be needed"
    module = known.open(path, source, tree)
    assert module.candidates is found
    known.close(module)
    assert (module.tree, known.module(path).tree) == (None, tree)
    assert known.module(path).candidates is found
    assert known.module(str(tmp_path / "b.py")).candidates.scope.bindings.keys() == {"task"}
    assert known.module(path).tree is None, "from then on it is kept like any other"


def test_trees_are_kept_as_long_as_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "KEPT_BYTES", 20)
    names = ("a.py", "b.py", "c.py")
    known = project_at(tmp_path, dict.fromkeys(names, "task = 1\n"))
    sources = {str(tmp_path / name): Source.of("task = 1\n") for name in names}
    known.expect(sources)
    assert len(list(known.modules_of(sources))) == 3
    kept = [path for path, source in sources.items() if known.tree_of(path, source) is not None]
    assert kept == list(sources)[:2]
    known.open(kept[0], sources[kept[0]], known.tree_of(kept[0], sources[kept[0]]))
    assert known.module(list(sources)[2]).candidates.scope.bindings.keys() == {"task"}


def test_a_tree_of_its_own_is_not_replaced(tmp_path):
    known = project_at(tmp_path, {"a.py": "task = 1\n"})
    path = str(tmp_path / "a.py")
    known.expect([path])
    assert list(known.files.holding(b"task")) == [path]
    own = known.module(path).tree
    known.close(opened(known, tmp_path, "a.py", "task = 1\n"))
    assert known.module(path).tree is own
