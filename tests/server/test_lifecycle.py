"""Settings, folders, files that change: what the client tells besides what is typed."""

from __future__ import annotations

import json

import pytest

from tests.server.conftest import TASKS, VIEWS
from tests.server.test_protocol import Wire, wire

__all__ = ["wire"]


class Session:
    """A client with one file open, and its diagnostics as they come."""

    def __init__(self, wire: Wire, settings=None, **capabilities) -> None:
        self.wire = wire
        self.uri = (wire.folder / "content/views.py").as_uri()
        self.settings = settings
        self.shown: list[str] = []
        self.logged: list[str] = []
        self.registered: list[str] = []
        self.refreshed = 0
        wire.initialize(**capabilities)
        wire.send("initialized", {})
        document = {"uri": self.uri, "languageId": "python", "version": 1, "text": VIEWS}
        wire.send("textDocument/didOpen", {"textDocument": document})

    def take(self):
        """Take one message; answer it as a client does."""
        message = self.wire.receive()
        method, params = message.get("method"), message.get("params")
        if method == "workspace/configuration":
            self.wire.answer(message["id"], [self.settings])
        elif method == "client/registerCapability":
            for one in params["registrations"]:
                self.registered += [watcher["globPattern"] for watcher in one["registerOptions"]["watchers"]]
            self.wire.answer(message["id"], None)
        elif method == "workspace/diagnostic/refresh":
            self.refreshed += 1
            self.wire.answer(message["id"], None)
        elif method == "window/showMessage":
            self.shown.append(params["message"])
        elif method == "window/logMessage":
            self.logged.append(params["message"])
        return message

    def until(self, wanted):
        while True:
            message = self.take()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == self.uri:
                found = [one["code"] for one in message["params"]["diagnostics"]]
                if found == wanted:
                    return

    def ask(self, method, params):
        self.wire.number += 1
        number = self.wire.number
        self.wire.send(method, params, id=number)
        while True:
            message = self.take()
            if message.get("id") == number and "method" not in message:
                return message

    def tell(self, method, **params):
        self.wire.send(method, params)


WATCHING = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


def test_settings_that_change(wire):
    session = Session(wire)
    session.until(["CLY403"])
    session.tell("workspace/didChangeConfiguration", settings={"flake8-celery-tasks": {"enable": False}})
    session.until([])
    session.tell("workspace/didChangeConfiguration", settings={"flake8-celery-tasks": {"severity": {"CLY": "hint"}}})
    session.until(["CLY403"])


def test_settings_that_are_asked_for(wire):
    session = Session(wire, {"ignore": ["CLY403"], "colour": 1}, workspace={"configuration": True})
    session.until([])
    session.settings = {"enable": True}
    session.tell("workspace/didChangeConfiguration", settings=None)
    session.until(["CLY403"])
    session.settings = None
    session.tell("workspace/didChangeConfiguration", settings={})
    session.until(["CLY403"])
    assert any("unknown setting 'colour'" in line for line in session.logged)


def test_files_that_are_watched(wire):
    session = Session(wire, **WATCHING)
    session.until(["CLY403"])
    while not session.registered:
        session.take()
    assert {"**/*.py", "**/pyproject.toml"} <= set(session.registered)
    (wire.folder / "content/tasks.py").write_text(
        TASKS.replace("content.clean", "content.indx").replace("clean()", "clean(pk)")
    )
    change = {"uri": (wire.folder / "content/tasks.py").as_uri(), "type": 2}
    session.tell("workspace/didChangeWatchedFiles", changes=[change])
    session.until([])
    (wire.folder / "known.json").write_text(json.dumps({"version": 1, "findings": []}))
    (wire.folder / "tox.ini").write_text("[flake8]\ncelery-baseline = known.json\n")
    session.tell("workspace/didChangeWatchedFiles", changes=[{"uri": (wire.folder / "tox.ini").as_uri(), "type": 1}])
    while "**/known.json" not in session.registered:
        session.take()
    session.tell("textDocument/didSave", textDocument={"uri": session.uri})
    session.until([])


def test_a_save_where_nothing_is_watched(wire):
    session = Session(wire)
    session.until(["CLY403"])
    (wire.folder / "tox.ini").write_text("[flake8]\ncelery-baseline = missing.json\n")
    session.tell("textDocument/didSave", textDocument={"uri": session.uri})
    session.until([])
    assert "missing.json" in session.shown[0]
    (wire.folder / "tox.ini").unlink()
    session.tell("textDocument/didSave", textDocument={"uri": session.uri})
    session.until(["CLY403"])


def test_folders_that_come_and_go(wire):
    session = Session(wire)
    session.until(["CLY403"])
    folder = {"uri": (wire.folder / "content").as_uri(), "name": "content"}
    (wire.folder / "content/tox.ini").write_text("[flake8]\nextend-ignore = CLY403\n")
    session.tell("workspace/didChangeWorkspaceFolders", event={"added": [folder], "removed": []})
    session.until([])
    session.tell("workspace/didChangeWorkspaceFolders", event={"added": [], "removed": [folder]})
    session.until(["CLY403"])


def test_documents_that_are_none_of_ours(wire):
    session = Session(wire)
    session.until(["CLY403"])
    for uri, language in (("vscode-notebook-cell:/a.ipynb#1", "python"), ("untitled:a", "markdown")):
        document = {"uri": uri, "languageId": language, "version": 1, "text": VIEWS}
        session.tell("textDocument/didOpen", textDocument=document)
        session.tell("textDocument/didSave", textDocument={"uri": uri})
        session.tell("textDocument/didClose", textDocument={"uri": uri})
    document = {"uri": "untitled:Untitled-1", "languageId": "python", "version": 5, "text": VIEWS}
    session.tell("textDocument/didOpen", textDocument=document)
    while True:
        message = session.take()
        if message.get("method") == "textDocument/publishDiagnostics":
            assert message["params"]["uri"] != "untitled:a"
            if message["params"]["uri"] == "untitled:Untitled-1":
                assert [one["code"] for one in message["params"]["diagnostics"]] == ["CLY403"]
                break
    place = {"textDocument": {"uri": "untitled:a"}, "position": {"line": 0, "character": 0}}
    assert session.ask("textDocument/hover", place)["result"] is None


def test_who_pulls_is_told_to_pull_again(wire):
    session = Session(wire, textDocument={"diagnostic": {}}, workspace={"diagnostics": {"refreshSupport": True}})
    pull = {"textDocument": {"uri": session.uri}}
    assert [one["code"] for one in session.ask("textDocument/diagnostic", pull)["result"]["items"]] == ["CLY403"]
    assert session.ask("textDocument/diagnostic", {"textDocument": {"uri": "file:///no.py"}})["result"]["items"] == []
    document = {"uri": (wire.folder / "content/tasks.py").as_uri(), "version": 1, "languageId": "python"}
    session.tell("textDocument/didOpen", textDocument={**document, "text": TASKS})
    change = {"text": TASKS.replace("content.clean", "content.indx").replace("clean()", "clean(pk)")}
    session.tell("textDocument/didChange", textDocument={**document, "version": 2}, contentChanges=[change])
    while not session.refreshed:
        session.take()
    assert session.ask("textDocument/diagnostic", pull)["result"]["items"] == []
    session.tell("textDocument/didClose", textDocument=document)
    assert [one["code"] for one in session.ask("textDocument/diagnostic", pull)["result"]["items"]] == ["CLY403"]


@pytest.mark.parametrize("versions", [False, True])
def test_code_actions(wire, versions):
    session = Session(wire, workspace={"workspaceEdit": {"documentChanges": versions}})
    session.until(["CLY403"])
    uri = (wire.folder / "content/tasks.py").as_uri()
    text = TASKS.replace('(name="content.clean", reject_on_worker_lost=True)', "")
    session.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "python", "version": 3, "text": text})
    line = text.splitlines().index("@shared_task")
    range_ = {"start": {"line": line, "character": 3}, "end": {"line": line, "character": 3}}

    def acts(**context):
        params = {"textDocument": {"uri": uri}, "range": range_, "context": {"diagnostics": [], **context}}
        return {one["title"]: one for one in session.ask("textDocument/codeAction", params)["result"]}

    found = acts()
    assert set(found) == {"Fix CLY101", "Disable CLY101 on this line", "Fix all safe Celery findings"}
    fix = found["Fix CLY101"]
    assert fix["isPreferred"] is True
    assert fix["diagnostics"][0]["code"] == "CLY101"
    edit = fix["edit"]
    if versions:
        (changed,) = edit["documentChanges"]
        assert changed["textDocument"] == {"uri": uri, "version": 3}
        assert 'name="content.tasks.clean"' in changed["edits"][0]["newText"]
    else:
        assert 'name="content.tasks.clean"' in edit["changes"][uri][0]["newText"]
    (known,) = acts(diagnostics=fix["diagnostics"], only=["quickfix"])["Fix CLY101"]["diagnostics"]
    assert known == fix["diagnostics"][0]
    assert set(acts(only=["source"])) == {"Fix all safe Celery findings"}
    assert set(acts(only=["source.fixAll.celery"])) == {"Fix all safe Celery findings"}
    assert acts(only=["refactor"]) == {}
    place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
    assert session.ask("textDocument/rename", {**place, "newName": "x"})["error"]["message"]
    assert session.ask("textDocument/prepareRename", place)["error"]["message"]
    assert session.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})["result"] is None
