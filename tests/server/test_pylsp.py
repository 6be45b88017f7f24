"""python-lsp-server with our plugin, as a client of it sees it."""

from __future__ import annotations

import os
import queue
import sys
from importlib import metadata

import pytest

pytest.importorskip("pylsp")

from tests.helpers import ROOT, write
from tests.integration.test_editors import Client
from tests.server.conftest import SHOP, VIEWS, position_of

NAME = "flake8_celery_tasks"


@pytest.fixture
def pylsp(tmp_path, monkeypatch):
    """Start python-lsp-server with the plugin, installed in this environment or not."""
    paths = [str(ROOT)]
    if not any(point.name == NAME for point in metadata.entry_points(group="pylsp")):
        info = tmp_path / "site" / "of_the_tests-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: of-the-tests\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[pylsp]\n{NAME} = flake8_celery_tasks.server.pylsp\n")
        paths.append(str(info.parent))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, SHOP)
    running = []

    def start(**plugins):
        client = Client("-m", "pylsp", handlers={"textDocument/publishDiagnostics": published.put}, folder=folder)
        running.append(client)
        configured = {
            "pylsp": {"plugins": {"flake8": {"enabled": False}, "pycodestyle": {"enabled": False}, **plugins}}
        }
        client.request(
            "initialize",
            processId=os.getpid(),
            rootUri=folder.as_uri(),
            capabilities={},
            initializationOptions=configured,
        )
        client.endpoint.notify("initialized", {})
        document = {"uri": (folder / "content/views.py").as_uri(), "languageId": "python", "version": 1, "text": VIEWS}
        client.endpoint.notify("textDocument/didOpen", {"textDocument": document})
        return client, {"uri": document["uri"]}

    published = queue.Queue()
    start.published = published
    yield start
    for client in running:
        client.stop()


def at(before):
    place = position_of(VIEWS, before)
    return {"line": place.line, "character": place.character}


def names(found):
    return sorted(one["uri"].rpartition("/")[2] for one in found)


def test_the_answers(pylsp):
    client, document = pylsp()
    place = at('"content.ind')
    said = client.request("textDocument/hover", textDocument=document, position=place)["contents"]["value"]
    assert "Task `content.index` in content/tasks.py:5" in said
    found = client.request("textDocument/definition", textDocument=document, position=place)
    assert names(found) == ["tasks.py"]
    found = client.request(
        "textDocument/references", textDocument=document, position=place, context={"includeDeclaration": False}
    )
    assert names(found) == ["celery.py", "views.py", "views.py", "views.py"]
    found = client.request("textDocument/completion", textDocument=document, position=place)["items"]
    assert {"content.index", "content.clean"} <= {one["label"] for one in found}
    wrong = at('"content.indx')
    found = client.request(
        "textDocument/codeAction",
        textDocument=document,
        range={"start": wrong, "end": wrong},
        context={"diagnostics": []},
    )
    titles = {one["title"] for one in found}
    assert "Disable CLY403 on this line" in titles
    assert client.request("textDocument/hover", textDocument=document, position={"line": 0, "character": 0}) is not None
    client.endpoint.notify("textDocument/didSave", {"textDocument": document})


@pytest.mark.parametrize(
    ("theirs", "ours", "codes"),
    [
        ({"enabled": False}, {"diagnostics": True}, ["CLY403"]),
        ({"enabled": True, "extendIgnore": ["CLY"], "executable": sys.executable}, {}, []),
        ({"enabled": False}, {}, []),
    ],
)
def test_diagnostics_where_they_are_asked_for(pylsp, theirs, ours, codes):
    pylsp(flake8=theirs, **{NAME: {"enabled": True, **ours}})
    found = pylsp.published.get(timeout=60)["diagnostics"]
    assert [one["code"] for one in found if str(one.get("code")).startswith("CLY")] == codes
