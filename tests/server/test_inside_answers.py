"""Questions to the server in this process, and its answers as they are sent."""

from __future__ import annotations

import pytest
import pytest_asyncio

pytest.importorskip("pygls")

from flake8_celery_tasks.server.answers import rename
from flake8_celery_tasks.server.text import Text
from tests.server.conftest import SHOP, TASKS, VIEWS, position_of
from tests.server.inside import inside

__all__ = ["inside"]
pytestmark = pytest.mark.asyncio

START = {"line": 0, "character": 0}
UNNAMED = TASKS.replace('(name="content.clean", reject_on_worker_lost=True)', "")


def at(server, name, before, number=1, text=None):
    """Return a document and the position behind some text of it."""
    place = position_of(SHOP[name] if text is None else text, before, number)
    return {
        "textDocument": {"uri": server.uri(name)},
        "position": {"line": place.line, "character": place.character},
    }


#: What a client says that shows Markdown.
MARKDOWN = {
    "hover": {"contentFormat": ["markdown"]},
    "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
}


async def opened(inside, name="content/views.py", text=VIEWS, options=None, **capabilities):
    server = inside()
    capabilities = {"textDocument": MARKDOWN, **capabilities}
    await server.initialize(options, **capabilities)
    server.open(name, text, version=3)
    await server.pushed(name)
    return server


def cut(server, location):
    """Return the name of a file on disk, and its text at a location."""
    name = next(name for name in SHOP if location["uri"] == server.uri(name))
    start, end = location["range"]["start"], location["range"]["end"]
    assert start["line"] == end["line"]
    return name, SHOP[name].splitlines()[start["line"]][start["character"] : end["character"]]


# Code actions.


async def acts(server, text, before, number=1, **context):
    place = at(server, "content/tasks.py", before, number, text)
    range_ = {"start": place["position"], "end": place["position"]}
    found = await server.ask(
        "textDocument/codeAction",
        textDocument=place["textDocument"],
        range=range_,
        context={"diagnostics": [], **context},
    )
    return {one["title"]: one for one in found["result"]}


TITLES = {"Fix CLY101", "Disable CLY101 on this line", "Fix all safe Celery findings"}


@pytest.mark.parametrize("versions", [False, True])
async def test_code_actions(inside, versions):
    edits = {"workspaceEdit": {"documentChanges": versions}}
    server = await opened(inside, "content/tasks.py", UNNAMED, workspace=edits)
    found = await acts(server, UNNAMED, "@sha", number=2)
    assert set(found) == TITLES
    for title in ("Fix CLY101", "Fix all safe Celery findings"):
        edit = found[title]["edit"]
        if versions:
            (changed,) = edit["documentChanges"]
            assert changed["textDocument"] == {"uri": server.uri("content/tasks.py"), "version": 3}
            texts = [one["newText"] for one in changed["edits"]]
        else:
            texts = [one["newText"] for one in edit["changes"][server.uri("content/tasks.py")]]
        assert any('name="content.tasks.clean"' in text for text in texts)
    assert found["Fix CLY101"]["isPreferred"] is True
    assert "isPreferred" not in found["Disable CLY101 on this line"]


async def test_a_code_action_is_about_the_diagnostic_of_the_client(inside):
    server = await opened(inside, "content/tasks.py", UNNAMED)
    ours = (await acts(server, UNNAMED, "@sha", number=2))["Fix CLY101"]["diagnostics"][0]
    theirs = {**ours, "message": "as the client keeps it"}
    others = [{**ours, "code": "E501"}, {**ours, "range": {"start": START, "end": START}}]
    found = await acts(server, UNNAMED, "@sha", number=2, diagnostics=[*others, theirs])
    assert found["Fix CLY101"]["diagnostics"] == [theirs]
    found = await acts(server, UNNAMED, "@sha", number=2, diagnostics=others)
    assert found["Fix CLY101"]["diagnostics"] == [ours]


@pytest.mark.parametrize(
    ("only", "titles"),
    [
        (None, TITLES),
        ([], set()),
        ([""], TITLES),
        (["quickfix"], {"Fix CLY101", "Disable CLY101 on this line"}),
        (["source"], {"Fix all safe Celery findings"}),
        (["source.fixAll"], {"Fix all safe Celery findings"}),
        (["source.fixAll.celery"], {"Fix all safe Celery findings"}),
        (["source.fixAll.cel"], set()),
        (["refactor", "quickfix.other"], set()),
    ],
)
async def test_code_actions_of_a_kind(inside, only, titles):
    server = await opened(inside, "content/tasks.py", UNNAMED)
    assert set(await acts(server, UNNAMED, "@sha", number=2, only=only)) == titles


async def test_where_there_is_nothing_to_fix(inside):
    server = await opened(inside, "content/tasks.py", UNNAMED)
    assert await acts(server, UNNAMED, "from celery") == {}
    fixed = UNNAMED.replace("@shared_task\n", '@shared_task(name="content.tasks.clean")\n')
    server.change("content/tasks.py", 4, {"text": fixed})
    assert await acts(server, fixed, "from celery", only=["source"]) == {}


# Places.


async def test_hover(inside):
    server = await opened(inside)
    found = (await server.ask("textDocument/hover", **at(server, "content/views.py", '"content.ind')))["result"]
    assert "index(pk, deep=False)" in found["contents"]["value"]
    assert found["contents"]["kind"] == "markdown"
    line = VIEWS.splitlines()[found["range"]["start"]["line"]]
    assert line[found["range"]["start"]["character"] : found["range"]["end"]["character"]] == '"content.index"'
    assert (await server.ask("textDocument/hover", **at(server, "content/views.py", "def vi")))["result"] is None


@pytest.mark.parametrize(
    ("formats", "kind"), [(["plaintext"], "plaintext"), (["plaintext", "markdown"], "markdown"), ([], "plaintext")]
)
async def test_what_a_client_can_show(inside, formats, kind):
    documented = {"completionItem": {"documentationFormat": formats}}
    able = {"hover": {"contentFormat": formats}, "completion": documented}
    text = VIEWS.replace("index.delay(pk)", 'index.apply_async(countdown=3, **{"a": 1})')
    server = await opened(inside, text=text, textDocument=able)
    place = at(server, "content/views.py", "apply_async(count", text=text)
    found = (await server.ask("textDocument/hover", **place))["result"]["contents"]
    assert found["kind"] == kind
    marked = kind == "markdown"
    assert found["value"].splitlines()[0] == (
        "**countdown**: `int | float | None`, default `None`"
        if marked
        else "countdown: int | float | None, default None"
    )
    found = (await server.ask("textDocument/hover", **at(server, "content/views.py", '"content.ind')))["result"]
    lines = found["contents"]["value"].splitlines()
    assert lines[0] == ("```python" if marked else "index(pk, deep=False)")
    assert ("Task `content.index` in content/tasks.py:5" in lines) == marked
    assert ("Task content.index in content/tasks.py:5" in lines) != marked
    place = at(server, "content/views.py", "apply_async(", text=text)
    items = (await server.ask("textDocument/completion", **place))["result"]
    (said,) = [one["documentation"] for one in items if one["label"] == "eta"]
    assert said["kind"] == kind
    assert said["value"].startswith("**eta**" if marked else "eta:")


async def test_definition_and_references(inside):
    server = await opened(inside)
    place = at(server, "content/views.py", '"content.ind')
    (found,) = (await server.ask("textDocument/definition", **place))["result"]
    assert cut(server, found) == ("content/tasks.py", "index")
    asked = {**place, "context": {"includeDeclaration": False}}
    found = (await server.ask("textDocument/references", **asked))["result"]
    assert {cut(server, one) for one in found} == {
        ("content/views.py", "index"),
        ("content/views.py", '"content.index"'),
        ("content/views.py", "index.delay(pk)"),
        ("shop/celery.py", '"content.index"'),
    }


async def test_completion(inside):
    text = VIEWS.replace('"content.indx"', '"con')
    server = await opened(inside, text=text)
    found = (await server.ask("textDocument/completion", **at(server, "content/views.py", '"con', 2, text)))["result"]
    items = {one["label"]: one for one in found}
    assert set(items) == {"content.clean", "content.index"}
    assert items["content.index"]["textEdit"]["newText"] == "content.index"
    assert items["content.index"]["kind"] == 3
    assert items["content.index"]["detail"] == "(pk, deep=...)"
    assert "detail" in items["content.clean"]


@pytest.mark.parametrize(("versions", "asks"), [(False, False), (False, True), (True, False), (True, True)])
async def test_rename(inside, versions, asks):
    able = {"documentChanges": versions, **({"changeAnnotationSupport": {}} if asks else {})}
    server = await opened(inside, workspace={"workspaceEdit": able})
    place = at(server, "content/views.py", '"content.ind')
    prepared = (await server.ask("textDocument/prepareRename", **place))["result"]
    assert prepared["placeholder"] == "content.index"
    edit = (await server.ask("textDocument/rename", **place, newName="content.reindex"))["result"]
    assert ("changeAnnotations" in edit) == (versions and asks)
    if versions and asks:
        (annotation,) = edit["changeAnnotations"].values()
        assert annotation["needsConfirmation"]
        assert server.sent("window/showMessage") == []
    else:  # the user has to know all the same
        (shown,) = server.sent("window/showMessage")
        assert shown == {"type": 2, "message": f"flake8-celery-tasks: {rename.WARNING}"}
    if versions:
        assert all(("annotationId" in text) == asks for one in edit["documentChanges"] for text in one["edits"])
        assert {one["textDocument"]["uri"]: one["textDocument"]["version"] for one in edit["documentChanges"]} == {
            server.uri(name): 3 if name == "content/views.py" else None for name in SHOP
        }
        texts = [text["newText"] for one in edit["documentChanges"] for text in one["edits"]]
    else:
        assert set(edit["changes"]) == {server.uri(name) for name in SHOP}
        texts = [text["newText"] for one in edit["changes"].values() for text in one]
    assert set(texts) == {'"content.reindex"'}


async def test_a_rename_that_is_refused(inside):
    server = await opened(inside)
    nothing = at(server, "content/views.py", "def vi")
    for method, given in (("prepareRename", {}), ("rename", {"newName": "x"})):
        error = (await server.ask(f"textDocument/{method}", **nothing, **given))["error"]
        assert error["code"] == -32803
        assert error["message"] == "there is no name of a task here"
    place = at(server, "content/views.py", '"content.ind')
    error = (await server.ask("textDocument/rename", **place, newName="content.clean"))["error"]
    assert "already" in error["message"]
    await server.quiet()
    assert server.sent("window/showMessage") == []
    assert server.sent("window/logMessage") == []  # an answer, not an error


async def test_a_rename_while_another_file_changes(inside, monkeypatch):
    server = await opened(inside)
    server.open("content/tasks.py", TASKS)
    await server.pushed("content/tasks.py")
    renaming = rename.renaming

    def changed(*given):
        found = renaming(*given)
        uri = server.uri("content/tasks.py")
        before = server.server.documents.open[uri]
        server.server.documents.open[uri] = before._replace(text=Text(f"# A comment.\n{TASKS}"), version=2)
        return found

    monkeypatch.setattr(rename, "renaming", changed)
    place = at(server, "content/views.py", '"content.ind')
    error = (await server.ask("textDocument/rename", **place, newName="content.reindex"))["error"]
    assert error["code"] == -32801
    assert error["message"].endswith("tasks.py has changed in the meantime")


async def test_texts_that_are_saved_nowhere(inside):
    server = inside()
    await server.initialize(workspace={"workspaceEdit": {"documentChanges": True}})
    first, second = (server.open(f"untitled:Untitled-{number}", TASKS, version=number) for number in (1, 2))
    for version, uri in ((1, first), (2, second)):
        await server.pushed(uri)
        place = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 20}}
        (definition,) = (await server.ask("textDocument/definition", **place))["result"]
        assert definition["uri"] == uri
        whole = {"start": START, "end": {"line": 20, "character": 0}}
        asked = {"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}}
        found = (await server.ask("textDocument/codeAction", **asked))["result"]
        documents = [one["textDocument"] for action in found for one in action["edit"]["documentChanges"]]
        assert documents
        assert all(one == {"uri": uri, "version": version} for one in documents)


# Files that have gone, and nobody has said so yet.


@pytest_asyncio.fixture
async def started_again(inside):
    """A server that has looked into all files and holds the text of none, as after a start with a full cache."""
    server = await opened(inside)
    await server.quiet()
    for base, _, _ in server.server.desk._sights.values():
        base.files.disk._texts = dict.fromkeys(base.files.disk.texts)
    return server


async def test_references_in_a_file_that_has_gone(started_again):
    asked = {**at(started_again, "content/views.py", '"content.ind'), "context": {"includeDeclaration": False}}
    found = (await started_again.ask("textDocument/references", **asked))["result"]
    (started_again.folder / "shop/celery.py").unlink()
    after = (await started_again.ask("textDocument/references", **asked))["result"]
    assert after == [one for one in found if one["uri"] != started_again.uri("shop/celery.py")]
    assert after != found


async def test_symbols_in_a_file_that_has_gone(started_again):
    assert await symbols(started_again, "clean") == {("content.clean", "clean"), ("clean", "content.clean")}
    (started_again.folder / "content/tasks.py").unlink()
    assert await symbols(started_again, "clean") == set()


async def test_a_rename_in_a_file_that_has_gone(started_again):
    place = at(started_again, "content/views.py", '"content.ind')
    (started_again.folder / "shop/celery.py").unlink()
    error = (await started_again.ask("textDocument/rename", **place, newName="content.reindex"))["error"]
    assert error == {"code": -32803, "message": "the name can't be written in shop/celery.py"}


async def test_a_rename_in_a_file_that_goes_meanwhile(started_again, monkeypatch):
    place = at(started_again, "content/views.py", '"content.ind')
    renaming = rename.renaming

    def gone(*given):
        found = renaming(*given)
        (started_again.folder / "shop/celery.py").unlink()
        return found

    monkeypatch.setattr(rename, "renaming", gone)
    error = (await started_again.ask("textDocument/rename", **place, newName="content.reindex"))["error"]
    assert error["code"] == -32803
    assert error["message"].endswith("celery.py can't be read")


# Lists.


async def symbols(server, query):
    found = (await server.ask("workspace/symbol", query=query))["result"]
    return {(one["name"], one["containerName"]) for one in found}


async def test_symbols(inside):
    server = await opened(inside)
    assert await symbols(server, "index") == {("content.index", "index"), ("index", "content.index")}
    assert await symbols(server, "no such") == set()


async def test_symbols_where_nothing_is_open(inside):
    server = inside()
    await server.initialize()
    await server.quiet()
    assert await symbols(server, "clean") == {("content.clean", "clean"), ("clean", "content.clean")}


async def test_symbols_of_a_project_whose_configuration_is_broken(inside):
    server = inside({**SHOP, "tox.ini": "[flake8]\ncelery-baseline = missing.json\n"})
    await server.initialize()
    assert await symbols(server, "clean") == set()


async def test_lenses(inside):
    server = await opened(inside, "content/tasks.py", TASKS, {"codeLens": True})
    document = {"textDocument": {"uri": server.uri("content/tasks.py")}}
    found = (await server.ask("textDocument/codeLens", **document))["result"]
    assert [one["command"]["title"] for one in found] == [
        "sent from 2 places · at most once · never retried",
        "sent from 1 place · at most once · never retried",
    ]
    server.tell("workspace/didChangeConfiguration", settings={"codeLens": False})
    assert (await server.ask("textDocument/codeLens", **document))["result"] is None
