"""The hooks of the plugin for python-lsp-server, called as it calls them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("pluggy")

from flake8_celery_tasks.server import pylsp
from tests.helpers import write
from tests.server.conftest import SHOP, TASKS, VIEWS, position_of

HOOKS = {name: hook for name, hook in vars(pylsp).items() if name.startswith("pylsp_")}


class Editor:
    """What python-lsp-server hands to hooks: its configuration, its workspace, its documents."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.root_path = str(folder)
        self.documents = {}
        self.settings = {}

    def plugin_settings(self, name):
        return self.settings.get(name, {})

    def open(self, name, text=None, version=1):
        path = self.folder / name
        text = path.read_text(encoding="utf-8") if text is None else text
        document = SimpleNamespace(uri=path.as_uri(), path=str(path), source=text, version=version)
        self.documents[document.uri] = document
        return document

    def ask(self, hook, document, before=None, number=1, **given):
        if before is not None:
            place = position_of(document.source, before, number)
            given["position"] = {"line": place.line, "character": place.character}
        return HOOKS[f"pylsp_{hook}"](self, self, document, **given)


@pytest.fixture
def editor(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pylsp, "_table", pylsp._Table())
    (tmp_path / "project").mkdir()
    write(tmp_path / "project", SHOP)
    return Editor(tmp_path / "project")


def names(found):
    return sorted(one["uri"].rpartition("/")[2] for one in found)


def test_the_hooks_are_known():
    assert {name for name, hook in HOOKS.items() if hasattr(hook, "pylsp_impl")} == set(HOOKS)
    assert HOOKS["pylsp_settings"]() == {
        "plugins": {"flake8_celery_tasks": {"enabled": True, "diagnostics": False, "unsafeFixes": True}}
    }


def test_hover(editor):
    document = editor.open("content/views.py")
    found = editor.ask("hover", document, '"content.ind')
    assert "Task `content.index` in content/tasks.py:5" in found["contents"]["value"]
    line = VIEWS.splitlines()[found["range"]["start"]["line"]]
    assert line[found["range"]["start"]["character"] : found["range"]["end"]["character"]] == '"content.index"'
    assert editor.ask("hover", document, "def vi") is None


def test_definitions_and_references(editor):
    document = editor.open("content/views.py")
    editor.documents["notebook"] = SimpleNamespace(path=None)  # has neither a file nor a text
    (found,) = editor.ask("definitions", document, '"content.ind')
    start = position_of(TASKS, "def ")
    assert found["uri"] == (editor.folder / "content/tasks.py").as_uri()
    assert found["range"]["start"] == {"line": start.line, "character": start.character}
    own = editor.ask("references", document, '"content.ind', exclude_declaration=False)
    assert names(own) == ["celery.py", "tasks.py", "tasks.py", "views.py", "views.py", "views.py"]
    others = editor.ask("references", document, '"content.ind', exclude_declaration=True)
    assert names(others) == ["celery.py", "views.py", "views.py", "views.py"]
    opened = editor.open("content/tasks.py")
    opened.uri = "file:///as/the/editor/writes/it/tasks.py"
    editor.documents = {document.uri: document, opened.uri: opened}
    assert editor.ask("definitions", document, '"content.ind')[0]["uri"] == opened.uri


def test_places_in_a_file_that_has_gone(editor):
    document = editor.open("content/views.py")
    asked = {"before": '"content.ind', "exclude_declaration": True}
    assert "celery.py" in names(editor.ask("references", document, **asked))
    ((base, _, _),) = pylsp._table.desk._sights.values()
    base.files.disk._texts = dict.fromkeys(base.files.disk.texts)
    (editor.folder / "shop/celery.py").unlink()
    assert names(editor.ask("references", document, **asked)) == ["views.py"] * 3


def test_completions(editor):
    document = editor.open("content/views.py", VIEWS.replace('"content.indx"', '"con'))
    found = {one["label"]: one for one in editor.ask("completions", document, '"con', 2)}
    assert set(found) == {"content.index", "content.clean"}
    assert found["content.index"]["kind"] == 3
    assert found["content.index"]["textEdit"]["newText"] == "content.index"
    assert found["content.index"]["documentation"]["value"] == "Task in content/tasks.py:5"


def test_a_configuration_that_is_broken(editor):
    (editor.folder / "tox.ini").write_text("[flake8]\ncelery-baseline = missing.json\n")
    document = editor.open("content/views.py")
    assert editor.ask("hover", document, '"content.ind') is None
    assert editor.ask("definitions", document, '"content.ind') is None
    assert editor.ask("references", document, '"content.ind', exclude_declaration=True) is None
    assert editor.ask("completions", document, '"con') is None
    assert acts(editor, document, '"content.indx') == {}


# Actions and diagnostics.


def acts(editor, document, before, number=1, **context):
    place = position_of(document.source, before, number)
    place = {"line": place.line, "character": place.character}
    found = editor.ask("code_actions", document, range={"start": place, "end": place}, context=context)
    return {one["title"]: one for one in found}


@pytest.mark.parametrize(("only", "some"), [(None, True), ([], True), (["quickfix"], True), (["refactor"], False)])
def test_code_actions(editor, only, some):
    text = TASKS.replace('(name="content.clean", reject_on_worker_lost=True)', "")
    document = editor.open("content/tasks.py", text, version=7)
    found = acts(editor, document, "@sha", 2, only=only)
    if not some:
        assert found == {}
        return
    assert set(found) == {"Fix CLY101", "Disable CLY101 on this line"}
    fix = found["Fix CLY101"]
    assert fix["isPreferred"] is True
    assert "isPreferred" not in found["Disable CLY101 on this line"]
    (changed,) = fix["edit"]["documentChanges"]
    assert changed["textDocument"] == {"uri": document.uri, "version": 7}
    assert 'name="content.tasks.clean"' in changed["edits"][0]["newText"]
    (problem,) = fix["diagnostics"]
    assert problem["code"] == "CLY101"
    assert problem["codeDescription"]["href"].endswith("/docs/rules/CLY101.md")
    assert acts(editor, document, "from celery", only=only) == {}


@pytest.mark.parametrize(
    ("ours", "theirs", "codes"),
    [
        ({"diagnostics": True}, {}, ["CLY403"]),
        ({"diagnostics": True}, {"enabled": False}, ["CLY403"]),
        ({"diagnostics": True}, {"enabled": True}, []),
        ({"diagnostics": True}, {"enabled": True, "ignore": None, "extendIgnore": ["CLY"]}, ["CLY403"]),
        ({"diagnostics": True, "ignore": ["CLY4"]}, {}, []),
        ({"diagnostics": False}, {}, []),
        ({}, {}, []),
    ],
)
def test_diagnostics(editor, ours, theirs, codes):
    editor.settings = {"flake8_celery_tasks": {"enabled": True, **ours}, "flake8": theirs}
    document = editor.open("content/views.py")
    found = editor.ask("lint", document, is_saved=False)
    assert [one["code"] for one in found] == codes
    assert {one["severity"] for one in found} <= {2}


def test_a_diagnostic_without_a_page(editor):
    editor.settings = {"flake8_celery_tasks": {"diagnostics": True}}
    document = editor.open("content/views.py", f"{VIEWS}def (:\n")
    (found,) = editor.ask("lint", document, is_saved=False)
    assert found["code"] == "E999"
    assert "codeDescription" not in found


@pytest.mark.parametrize("hook", ["document_did_save", "document_did_open"])
def test_files_that_have_changed_on_disk(editor, hook):
    editor.settings = {"flake8_celery_tasks": {"diagnostics": True}}
    document = editor.open("content/views.py")
    assert len(editor.ask("lint", document, is_saved=False)) == 1
    renamed = TASKS.replace("content.clean", "content.indx").replace("clean()", "clean(pk)")
    (editor.folder / "content/tasks.py").write_text(renamed)
    HOOKS[f"pylsp_{hook}"](editor, editor, document)
    assert editor.ask("lint", document, is_saved=False) == []


def test_a_text_is_taken_once(editor):
    document = editor.open("content/views.py")
    first, _ = pylsp._table.take(editor, editor, document)
    again, _ = pylsp._table.take(editor, editor, document)
    assert again.text is first.text
    document.source += "\n"
    changed, _ = pylsp._table.take(editor, editor, document)
    assert changed.text.text == document.source


def test_what_fails_costs_no_other_plugin_its_answer(editor, monkeypatch, caplog):
    document = editor.open("content/views.py")
    usual = pylsp.hover.hover

    def fail(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(pylsp.hover, "hover", fail)
    assert editor.ask("hover", document, '"content.ind') is None
    assert editor.ask("hover", document, '"content.ind') is None
    assert [one.getMessage() for one in caplog.records] == ["pylsp_hover: MemoryError: no room"]
    monkeypatch.setattr(pylsp.hover, "hover", usual)
    assert editor.ask("hover", document, '"content.ind') is not None
