"""Messages to the server in this process: what it says, and what it keeps for itself."""

from __future__ import annotations

import asyncio
import json
import os
import threading

import pytest

pytest.importorskip("pygls")

from flake8_celery_tasks.celery_model import registry
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.rules.boundaries.unknown_task_name import UnknownTaskName
from flake8_celery_tasks.server import desk as desks
from flake8_celery_tasks.server import diagnosis
from flake8_celery_tasks.server.lsp import app, documents, questions
from tests.server.conftest import PATIENCE, SHOP, TASKS, VIEWS, position_of
from tests.server.inside import inside

__all__ = ["inside"]
pytestmark = pytest.mark.asyncio

START = {"line": 0, "character": 0}


async def test_what_comes_too_early_or_too_late(inside):
    server = inside()
    hover = {"textDocument": {"uri": "file:///a.py"}, "position": START}
    server.open("content/views.py")
    assert (await server.ask("textDocument/hover", **hover))["error"]["code"] == -32002
    await server.initialize()
    assert server.server.documents.open == {}
    assert (await server.ask("textDocument/hover", **hover))["result"] is None
    begun = await server.ask("initialize", processId=None, rootUri=None, capabilities={})
    assert begun["error"] == {"code": -32600, "message": "the server is initialized already"}
    assert "error" not in await server.ask("shutdown")
    assert (await server.ask("textDocument/hover", **hover))["error"]["code"] == -32600


@pytest.mark.parametrize(("shutdown", "code"), [(True, 0), (False, 1)])
async def test_the_exit_code(inside, shutdown, code):
    server = inside()
    await server.initialize()
    if shutdown:
        await server.ask("shutdown")
    with pytest.raises(SystemExit) as ended:
        for _ in server.server.protocol.lsp_exit(None):
            pass
    assert ended.value.code == code
    assert server.server.protocol.exit_code == code


async def test_messages_that_can_not_be_read(inside):
    server = inside()
    await server.initialize()
    assert (await server.ask("textDocument/hover", textDocument=7))["error"]["code"] == -32602
    server.tell("textDocument/didOpen", textDocument=7)
    await server.until(lambda message: message.get("method") == "window/logMessage")
    (logged,) = server.sent("window/logMessage")
    assert "JsonRpcInvalidParams" in logged["message"]
    before = len(server.received)
    server.server.protocol.handle_message({"what": "is no message"})
    await server.quiet()
    assert len(server.received) == before


@pytest.mark.parametrize(("offered", "chosen"), [(["utf-8", "utf-16"], "utf-8"), (["utf-16"], "utf-16")])
async def test_the_units_of_columns(inside, offered, chosen):
    server = inside()
    able = await server.initialize(general={"positionEncodings": offered})
    assert able["positionEncoding"] == chosen
    assert server.server.documents.encoding == chosen


# Documents.


async def test_a_document_from_open_to_closed(inside):
    server = inside()
    await server.initialize()
    uri = server.open("content/views.py")
    assert await server.pushed(version=1) == ["CLY403"]
    start, end = position_of(VIEWS, '"content.ind', 2), position_of(VIEWS, '"content.indx')
    changed = {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }
    server.change("content/views.py", 2, {"text": ""}, {"text": VIEWS}, {"range": changed, "text": "ex"})
    assert server.server.documents.open[uri].text.text == VIEWS.replace("indx", "index")
    assert await server.pushed(version=2) == []
    server.change("content/views.py", 3, {"text": VIEWS})
    assert await server.pushed(version=3) == ["CLY403"]
    server.tell("textDocument/didClose", textDocument={"uri": uri})
    assert await server.pushed() == []
    assert server.server.documents.open == {}
    await server.quiet()
    assert server.sent("textDocument/publishDiagnostics") == []


async def test_documents_that_are_not_open(inside):
    server = inside()
    await server.initialize()
    await server.quiet()
    server.change("content/views.py", 2, {"text": ""})
    server.tell("textDocument/didClose", textDocument={"uri": server.uri("content/views.py")})
    server.open("vscode-notebook-cell:/a.ipynb#1")
    server.open("untitled:a", language="markdown")
    assert server.server._pending == {}
    assert server.server.documents.open == {}
    await server.server.publish(server.uri("content/views.py"))
    assert server.sent("textDocument/publishDiagnostics") == []


@pytest.mark.parametrize("has_folder", [True, False])
async def test_a_text_that_is_saved_nowhere(inside, has_folder, monkeypatch):
    server = inside()
    monkeypatch.chdir(server.folder)
    await server.initialize()
    if not has_folder:
        server.server.documents.folders = []
    uri = server.open("untitled:Untitled-1")
    assert server.server.documents.open[uri].path == str(server.folder / "stdin")
    assert await server.pushed(uri) == ["CLY403"]
    assert server.server.documents.held() == {}


async def test_a_change_while_a_file_is_looked_at(inside, monkeypatch):
    server = inside()
    await server.initialize()
    await server.quiet()
    begun, go_on = asyncio.Event(), threading.Event()
    look = diagnosis.problems

    def slow(*given):
        server.loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(PATIENCE)
        return look(*given)

    monkeypatch.setattr(diagnosis, "problems", slow)
    uri = server.open("content/views.py")
    publishing = server.server._pending.pop(uri)  # so that the change does not cancel it
    await asyncio.wait_for(begun.wait(), PATIENCE)
    server.change("content/views.py", 2, {"text": VIEWS.replace("indx", "index")})
    go_on.set()
    assert await server.pushed() == []
    await asyncio.wait_for(publishing, PATIENCE)
    await server.quiet()
    assert {one["version"] for one in server.sent("textDocument/publishDiagnostics")} <= {2}


async def test_a_crash_costs_the_diagnostics_of_one_file(inside, monkeypatch):
    server = inside()
    await server.initialize()

    def crash(*_):
        raise RuntimeError("of no use")

    monkeypatch.setattr(diagnosis, "problems", crash)
    server.open("content/views.py")
    assert await server.pushed() == []
    (logged,) = server.sent("window/logMessage")
    assert logged["message"].endswith("views.py: RuntimeError: of no use")
    assert server.sent("window/showMessage") == []


def failing(monkeypatch, holder, name, error, times=1):
    """Make a function fail as often as is said, then work again."""
    usual, left = getattr(holder, name), [times]

    def fail(*given, **named):
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return usual(*given, **named)

    monkeypatch.setattr(holder, name, fail)


async def about_tasks(server):
    """Return the answers that depend on other files."""
    place = position_of(VIEWS, '"content.ind')
    position = {"line": place.line, "character": place.character}
    document = {"uri": server.uri("content/views.py")}
    pulled = await server.ask("textDocument/diagnostic", textDocument=document)
    hover = await server.ask("textDocument/hover", textDocument=document, position=position)
    symbols = await server.ask("workspace/symbol", query="index")
    return [one.get("result") for one in (pulled, hover, symbols)]


@pytest.mark.parametrize(
    ("holder", "name"), [(registry.Index, "_add_all"), (UnknownTaskName, "check"), (desks, "Facts")]
)
async def test_what_fails_once_is_logged_once_and_complete_the_next_time(inside, monkeypatch, holder, name):
    server = inside()
    await server.initialize(textDocument={"diagnostic": {}})
    server.open("content/views.py")
    whole = await about_tasks(server)
    assert all(whole)
    server.server.later(server.server.desk.forget)
    failing(monkeypatch, holder, name, MemoryError("no room"))
    server.sent("window/logMessage")
    await about_tasks(server)
    await server.quiet()
    (logged,) = server.sent("window/logMessage")
    assert "MemoryError: no room" in logged["message"]
    assert await about_tasks(server) == whole
    assert server.sent("window/logMessage") == []


async def test_what_always_fails_is_logged_once_and_the_project_kept(inside, monkeypatch):
    server = inside()
    await server.initialize(textDocument={"diagnostic": {}})
    server.open("content/views.py")
    failing(monkeypatch, registry.Index, "_add_all", KeyError("no"), 1000)
    await about_tasks(server)
    first = await about_tasks(server)
    await server.quiet()
    desk = server.server.desk
    known = {id(base) for base, _, _ in desk._sights.values()}
    assert await about_tasks(server) == first
    await server.quiet()
    assert known == {id(base) for base, _, _ in desk._sights.values()} != set()
    told = [one["message"] for one in server.sent("window/logMessage")]
    assert told
    assert len(set(told)) == len(told)


async def test_a_request_that_fails_is_an_error_and_the_next_one_works(inside, monkeypatch):
    server = inside()
    await server.initialize(textDocument={"diagnostic": {}})
    server.open("content/views.py")
    failing(monkeypatch, questions.hover, "hover", RecursionError("too deep"))
    document, position = {"uri": server.uri("content/views.py")}, {"line": 6, "character": 30}
    answer = await server.ask("textDocument/hover", textDocument=document, position=position)
    assert "too deep" in answer["error"]["message"]
    await server.quiet()
    (logged,) = server.sent("window/logMessage")
    assert "RecursionError: too deep" in logged["message"]
    answer = await server.ask("textDocument/hover", textDocument=document, position=position)
    assert "content.index" in answer["result"]["contents"]["value"]


async def test_work_that_nobody_waits_for_is_logged_where_it_fails(inside, monkeypatch):
    server = inside()
    await server.initialize()
    server.open("content/views.py")
    await server.pushed()
    await server.quiet()
    failing(monkeypatch, server.server.desk, "forget", OSError("gone"))
    server.tell("textDocument/didSave", textDocument={"uri": server.uri("content/views.py")})
    await server.pushed()
    await server.quiet()
    assert [one["message"] for one in server.sent("window/logMessage")] == ["fail: OSError: gone"]
    failing(monkeypatch, server.server, "diagnostic", ValueError("of no use"))
    server.open("content/views.py", version=2)
    await server.until(lambda message: "of no use" in str(message))
    (logged,) = server.sent("window/logMessage")
    assert logged["message"].endswith("_publish_all: ValueError: of no use")


async def test_the_working_directory_may_be_gone(inside, monkeypatch):
    server = inside()
    await server.initialize()

    def gone():
        raise FileNotFoundError

    monkeypatch.setattr(documents.os, "getcwd", gone)
    assert documents.path_of("file:x.py") == f"{os.sep}x.py"
    assert session.project_of("/nowhere/shop/tasks.py", Options()).layout.root == "/nowhere/shop"
    server.server.documents.folders = []
    assert server.server.documents._path("untitled:a", "python") == f"{os.sep}stdin"


# Requests.


async def test_a_request_that_is_cancelled(inside):
    server = inside()
    await server.initialize()
    await server.quiet()
    uri = server.open("content/views.py")
    await server.pushed()
    await server.quiet()
    begun, go_on = threading.Event(), threading.Event()
    done = []

    def slow():
        begun.set()
        assert go_on.wait(PATIENCE)
        done.append(server.server.desk.is_wanted())
        server.server.desk.check()

    slowly = asyncio.ensure_future(server.server.ask(slow))
    while not begun.is_set():
        await asyncio.sleep(0)
    waiting = server.begin("textDocument/hover", textDocument={"uri": uri}, position=START)
    await asyncio.sleep(0)
    server.tell("$/cancelRequest", id=waiting)
    slowly.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slowly
    go_on.set()
    assert (await server.answer(waiting))["error"]["code"] == -32800
    await server.quiet()
    assert done == [False]
    assert server.server.desk._sights == {}  # made by half
    assert (await server.ask("textDocument/hover", textDocument={"uri": uri}, position=START))["result"] is None


async def test_work_that_nobody_waits_for_any_more(inside):
    server = inside()
    await server.initialize()
    done = []
    assert server.server._do([], done.append, (1,)) is None
    assert server.server._do([True], done.append, (2,)) is None
    assert done == [2]


async def test_garbage_is_collected_after_an_answer(inside, monkeypatch):
    collected = []
    monkeypatch.setattr(app.gc, "collect", lambda: collected.append(1))
    server = inside()
    await server.initialize()
    await server.quiet()
    monkeypatch.setattr(app.gc, "get_count", lambda: (app.GARBAGE, 0, 0))
    await server.server.ask(int)
    await server.quiet()
    assert collected == []
    monkeypatch.setattr(app.gc, "get_count", lambda: (app.GARBAGE + 1, 0, 0))
    await server.server.ask(int)
    await server.quiet()
    assert collected


async def test_questions_about_what_is_off_or_broken(inside):
    server = inside()
    await server.initialize()
    uri = server.open("content/views.py")
    assert await server.pushed() == ["CLY403"]
    line = VIEWS.splitlines().index("from content.tasks import index")
    at = {"textDocument": {"uri": uri}, "position": {"line": line, "character": 27}}
    assert "index(pk" in (await server.ask("textDocument/hover", **at))["result"]["contents"]["value"]
    (server.folder / "tox.ini").write_text("[flake8]\ncelery-baseline = missing.json\n")
    assert (await server.ask("textDocument/hover", **at))["result"] is None
    (shown,) = server.sent("window/showMessage")
    assert shown["message"].startswith("flake8-celery-tasks: ")
    assert "missing.json" in shown["message"]
    assert shown["type"] == 1
    (server.folder / "tox.ini").unlink()
    await server.quiet()
    go_on = threading.Event()
    server.server.worker.submit(go_on.wait, PATIENCE)
    waiting = server.begin("textDocument/hover", **at)
    await asyncio.sleep(0)  # it waits for the thread now
    server.tell("workspace/didChangeConfiguration", settings={"enable": False})
    await asyncio.sleep(0)
    go_on.set()
    assert (await server.answer(waiting))["result"] is None
    assert (await server.ask("textDocument/hover", **at))["result"] is None


# Settings and folders.


async def test_settings_that_the_client_tells(inside):
    server = inside()
    await server.initialize({"colour": 1})
    server.open("content/views.py")
    assert await server.pushed() == ["CLY403"]
    (logged,) = server.sent("window/logMessage")
    assert logged == {"type": 2, "message": "unknown setting 'colour'"}
    server.tell("workspace/didChangeConfiguration", settings={"flake8-celery-tasks": {"enable": False}})
    assert await server.pushed() == []


@pytest.mark.parametrize("said", [None, {}, {"debounce": 3}, {"flake8-celery-tasks": None}, {"python": {"x": 1}}])
async def test_settings_come_on_top_of_those_of_the_start(inside, said):
    server = inside()
    await server.initialize({"ignore": ["CLY403"]})
    server.tell("workspace/didChangeConfiguration", settings=said)
    await server.quiet()
    server.open("content/views.py")
    for settings, codes in ((said, []), ({"ignore": []}, ["CLY403"]), (said, [])):
        await server.quiet()
        server.sent("textDocument/publishDiagnostics")
        server.tell("workspace/didChangeConfiguration", settings=settings)
        assert await server.pushed() == codes


@pytest.mark.parametrize(
    ("workspace", "count"), [({}, 0), ({"codeLens": {}}, 0), ({"codeLens": {"refreshSupport": True}}, 2)]
)
async def test_lenses_that_are_switched_on_and_off(inside, workspace, count):
    server = inside()
    await server.initialize(workspace=workspace)
    for said in ({"codeLens": True}, {"codeLens": True, "debounce": 3}, {"codeLens": True, "enable": False}):
        server.tell("workspace/didChangeConfiguration", settings=said)
    await server.quiet()
    assert len(server.sent("workspace/codeLens/refresh")) == count


CONFIGURATION = {"workspace": {"configuration": True}}


async def test_settings_that_the_client_is_asked_for(inside):
    server = inside()
    server.answers["workspace/configuration"] = {"result": [{"ignore": ["CLY403"]}]}
    await server.initialize(**CONFIGURATION)
    await server.until(lambda message: message.get("method") == "workspace/configuration")
    assert server.sent("workspace/configuration") == [{"items": [{"section": "flake8-celery-tasks"}]}]
    await server.quiet()
    server.open("content/views.py")
    assert await server.pushed() == []
    server.answers["workspace/configuration"] = {"result": [{}]}
    server.tell("workspace/didChangeConfiguration", settings=None)
    await server.until(lambda message: message.get("method") == "workspace/configuration")
    assert await server.pushed() == ["CLY403"]


@pytest.mark.parametrize("result", [[], [None], ["text"]])
async def test_settings_that_the_client_does_not_say(inside, result):
    server = inside()
    server.answers["workspace/configuration"] = {"result": result}
    await server.initialize({"ignore": ["CLY403"]}, **CONFIGURATION)
    server.open("content/views.py")
    assert await server.pushed() == []
    assert server.server.desk.settings.ignore == ("CLY403",)
    server.tell("workspace/didChangeConfiguration", settings={"ignore": []})
    assert await server.pushed() == ["CLY403"]


async def test_settings_that_the_client_fails_to_say(inside):
    server = inside()
    server.answers["workspace/configuration"] = {"error": {"code": -32601, "message": "no such method"}}
    await server.initialize(**CONFIGURATION)
    await server.until(lambda message: message.get("method") == "window/logMessage")
    (logged,) = server.sent("window/logMessage")
    assert logged["message"].startswith("workspace/configuration: ")
    assert "no such method" in logged["message"]


async def test_folders_that_come_and_go(inside):
    server = inside()
    (server.folder / "content/tox.ini").write_text("[flake8]\nextend-ignore = CLY403\n")
    await server.initialize(folders=[server.folder])
    assert server.server.documents.folders == [str(server.folder)]
    server.open("content/views.py")
    assert await server.pushed() == ["CLY403"]
    inner = {"uri": server.uri("content"), "name": "content"}
    server.tell("workspace/didChangeWorkspaceFolders", event={"added": [inner], "removed": []})
    assert await server.pushed() == []
    server.tell("workspace/didChangeWorkspaceFolders", event={"added": [], "removed": [inner]})
    assert await server.pushed() == ["CLY403"]


async def test_no_folder_at_all(inside):
    server = inside()
    await server.ask("initialize", processId=None, rootUri=None, capabilities={})
    assert server.server.documents.folders == []


# Files on disk.

WATCHING = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


def patterns(server):
    found = set()
    for params in server.sent("client/registerCapability"):
        for one in params["registrations"]:
            assert one["method"] == "workspace/didChangeWatchedFiles"
            found |= {watcher["globPattern"] for watcher in one["registerOptions"]["watchers"]}
    return found


async def test_files_that_are_watched(inside):
    server = inside()
    await server.initialize(**WATCHING)
    server.open("content/views.py")
    assert await server.pushed() == ["CLY403"]
    await server.quiet()
    assert patterns(server) >= {"**/*.py", "**/pyproject.toml", "**/*requirements*.txt"}
    renamed = TASKS.replace("content.clean", "content.indx").replace("clean()", "clean(pk)")
    (server.folder / "content/tasks.py").write_text(renamed)
    # A save of one file says nothing of another where files are watched.
    server.tell("textDocument/didSave", textDocument={"uri": server.uri("content/views.py")})
    assert await server.pushed() == ["CLY403"]
    await server.quiet()
    changes = [{"uri": server.uri("content/tasks.py"), "type": 2}, {"uri": "untitled:a", "type": 2}]
    server.tell("workspace/didChangeWatchedFiles", changes=changes)
    assert await server.pushed() == []
    await server.quiet()
    assert patterns(server) == set()  # all is watched already
    (server.folder / "known.json").write_text(json.dumps({"version": 1, "findings": []}))
    (server.folder / "tox.ini").write_text("[flake8]\ncelery-baseline = known.json\n")
    server.tell("workspace/didChangeWatchedFiles", changes=[{"uri": server.uri("tox.ini"), "type": 1}])
    await server.pushed()
    await server.quiet()
    assert "**/known.json" in patterns(server)


async def test_a_save_of_what_is_no_file(inside):
    server = inside()
    await server.initialize(**WATCHING)
    uri = server.open("untitled:Untitled-1")
    assert await server.pushed(uri) == ["CLY403"]
    await server.quiet()
    server.tell("textDocument/didSave", textDocument={"uri": uri})
    assert await server.pushed(uri) == ["CLY403"]


async def test_a_save_where_nothing_is_watched(inside):
    server = inside()
    await server.initialize()
    server.open("content/views.py")
    assert await server.pushed() == ["CLY403"]
    renamed = TASKS.replace("content.clean", "content.indx").replace("clean()", "clean(pk)")
    (server.folder / "content/tasks.py").write_text(renamed)
    server.tell("textDocument/didSave", textDocument={"uri": server.uri("content/views.py")})
    assert await server.pushed() == []
    assert patterns(server) == set()


async def test_the_server_looks_into_files_while_it_waits(inside):
    server = inside()
    await server.initialize()
    server.open("content/views.py")
    await server.pushed()
    await server.quiet()
    ((_, _, sight),) = server.server.desk._sights.values()
    assert set(sight._paths) == {str(server.folder / name) for name in SHOP}
    assert {*sight._uses, *sight._known} == set(sight._paths)


# Pulled diagnostics, and progress.


@pytest.mark.parametrize("workspace", [None, {}, {"diagnostics": {"refreshSupport": True}}])
async def test_who_pulls_is_told_to_pull_again(inside, workspace):
    server = inside()
    given = {} if workspace is None else {"workspace": workspace}
    await server.initialize(textDocument={"diagnostic": {}}, **given)
    uri = server.open("content/views.py")
    assert server.server._pending == {}  # the client pulls now
    found = await server.ask("textDocument/diagnostic", textDocument={"uri": uri})
    assert [one["code"] for one in found["result"]["items"]] == ["CLY403"]
    missing = await server.ask("textDocument/diagnostic", textDocument={"uri": server.uri("a.py")})
    assert missing["result"]["items"] == []

    async def refreshed():
        await server.quiet()
        return len(server.sent("workspace/diagnostic/refresh"))

    able = bool(workspace)
    server.tell("textDocument/didSave", textDocument={"uri": uri})
    assert await refreshed() == able  # what it needs may have changed on disk
    server.change("content/views.py", 2, {"text": VIEWS})
    assert await refreshed() == 0  # the client pulls what it changes by itself
    server.open("content/tasks.py", TASKS)
    server.change("content/tasks.py", 2, {"text": TASKS})
    assert await refreshed() == able
    server.tell("textDocument/didClose", textDocument={"uri": server.uri("content/tasks.py")})
    assert await refreshed() == able
    assert server.sent("textDocument/publishDiagnostics") == []


async def test_what_follows_a_pull(inside):
    files = {**SHOP, "known.json": json.dumps({"version": 1, "findings": []})}
    server = inside({**files, "tox.ini": "[flake8]\ncelery-baseline = known.json\n"})
    await server.initialize(textDocument={"diagnostic": {}}, **WATCHING)
    uri = server.open("content/views.py")
    for _ in range(2):
        await server.ask("textDocument/diagnostic", textDocument={"uri": uri})
    await server.quiet()
    assert "**/known.json" in patterns(server)
    ((_, _, sight),) = server.server.desk._sights.values()
    assert {*sight._uses, *sight._known} == set(sight._paths)


@pytest.mark.parametrize("able", [True, False])
async def test_progress_while_a_project_is_read_for_the_first_time(inside, able):
    server = inside()
    await server.initialize(**({"window": {"workDoneProgress": True}} if able else {}))
    server.open("content/views.py")
    await server.pushed()
    await server.quiet()
    await asyncio.sleep(0)
    if able:
        await server.until(lambda message: message.get("params", {}).get("value", {}).get("kind") == "end")
    told = [one["value"]["kind"] for one in server.sent("$/progress")]
    assert told == (["begin", "end"] if able else [])
    assert len(server.sent("window/workDoneProgress/create")) == able
