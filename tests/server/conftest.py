"""A client of the server, over standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
import pytest_asyncio

pytest.importorskip("pygls")
pytest.importorskip("pytest_lsp")

from lsprotocol import types
from pytest_lsp import LanguageClient, make_test_lsp_client

from tests.helpers import ROOT, write

#: Seconds that an answer may take. What is late fails: nothing sleeps.
PATIENCE = 60

TASKS = """\
from celery import shared_task


@shared_task(name="content.index", max_retries=5)
def index(pk, deep=False):
    print(pk)


@shared_task(name="content.clean", reject_on_worker_lost=True)
def clean():
    print(1)
"""
VIEWS = """\
from celery import current_app

from content.tasks import index


def view(pk):
    current_app.send_task("content.index", args=[pk])
    current_app.send_task("content.indx", args=[pk])
    index.delay(pk)
"""
SETTINGS = """\
from celery import Celery

app = Celery("shop", broker="redis://")
app.conf.task_acks_late = False
app.conf.beat_schedule = {"nightly": {"task": "content.clean", "schedule": 3600}}
app.conf.task_routes = {"content.index": {"queue": "slow"}}
"""
SHOP = {"content/tasks.py": TASKS, "content/views.py": VIEWS, "shop/celery.py": SETTINGS}


class Client:
    """What a test does with a server."""

    def __init__(self, client: LanguageClient, folder) -> None:
        self.client = client
        self.folder = folder
        self.versions: dict[str, int] = {}

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def open(self, name: str, text: str | None = None, language: str = "python") -> str:
        uri = name if ":" in name else self.uri(name)
        self.versions[uri] = 1
        text = self.text(name) if text is None else text
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def change(self, name: str, *changes) -> None:
        uri = self.uri(name)
        self.versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri)
        whole = [types.TextDocumentContentChangeWholeDocument(one) if isinstance(one, str) else one for one in changes]
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, whole))

    async def pushed(self, name: str, version: int | None = None):
        """Return the diagnostics of a version of a file, when they come."""
        uri = name if ":" in name else self.uri(name)
        version = self.versions[uri] if version is None else version
        while True:
            known = [one for one in self.published if one.uri == uri and one.version == version]
            if known:
                return known[-1].diagnostics
            await self.next()

    async def next(self):
        await asyncio.wait_for(self.client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), PATIENCE)

    @property
    def published(self):
        return self.client.published

    async def pull(self, name: str):
        params = types.DocumentDiagnosticParams(types.TextDocumentIdentifier(self.uri(name)))
        return (await self.client.text_document_diagnostic_async(params)).items

    def document(self, name: str):
        return types.TextDocumentIdentifier(self.uri(name))

    def place(self, name: str, before: str, number: int = 1) -> types.Position:
        """Return the position behind some text of a file on disk."""
        return position_of(self.text(name), before, number)

    async def actions(self, name: str, diagnostics=(), only=None, range_=None):
        range_ = range_ or (
            diagnostics[0].range if diagnostics else types.Range(types.Position(0, 0), types.Position(0, 0))
        )
        context = types.CodeActionContext(diagnostics=list(diagnostics), only=only)
        params = types.CodeActionParams(self.document(name), range_, context)
        return await self.client.text_document_code_action_async(params)


def position_of(text: str, before: str, number: int = 1) -> types.Position:
    at = -1
    for _ in range(number):
        at = text.index(before, at + 1)
    at += len(before)
    return types.Position(text.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1))


def capabilities(**given) -> types.ClientCapabilities:
    """Return what a client can do: push, versions, Markdown, nothing else unless given."""
    workspace = types.WorkspaceClientCapabilities(
        workspace_edit=types.WorkspaceEditClientCapabilities(
            document_changes=True, change_annotation_support=types.ChangeAnnotationsSupportOptions()
        )
    )
    markdown = [types.MarkupKind.Markdown]
    text = types.TextDocumentClientCapabilities(
        hover=types.HoverClientCapabilities(content_format=markdown),
        completion=types.CompletionClientCapabilities(
            completion_item=types.ClientCompletionItemOptions(documentation_format=markdown)
        ),
        diagnostic=types.DiagnosticClientCapabilities() if given.pop("pull", False) else None,
    )
    encodings = given.pop("encodings", None)
    general = types.GeneralClientCapabilities(position_encodings=encodings) if encodings else None
    assert not given
    return types.ClientCapabilities(workspace=workspace, text_document=text, general=general)


@pytest_asyncio.fixture
async def start(tmp_path, monkeypatch):
    """Start a server in a folder with some files; it ends with the test."""
    running = []
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    async def begin(files=None, options=None, folder=None, **given):
        folder = folder or tmp_path / "project"
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, SHOP if files is None else files)
        lsp = make_test_lsp_client()
        lsp.published = []
        lsp.messages_shown = []

        # The client's own keeps no versions.
        lsp.protocol.fm.features.pop(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)

        @lsp.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params):
            lsp.published.append(params)

        await lsp.start_io(sys.executable, "-m", "flake8_celery_tasks", "server", env=env)
        params = types.InitializeParams(
            capabilities=capabilities(**given),
            root_uri=folder.as_uri(),
            workspace_folders=[types.WorkspaceFolder(folder.as_uri(), "project")],
            initialization_options={"debounce": 0, **(options or {})},
        )
        await asyncio.wait_for(lsp.initialize_session(params), PATIENCE)
        running.append(lsp)
        return Client(lsp, folder)

    yield begin
    for lsp in running:
        await lsp.shutdown_session()
        await lsp.stop()
