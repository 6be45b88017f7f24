"""`flake8-celery-tasks server`: the language server on standard input and output."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from flake8_celery_tasks.server.lsp import features
from flake8_celery_tasks.server.lsp.app import Server
from flake8_celery_tasks.server.lsp.documents import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def serve() -> int:
    """Serve until the client ends the session, and return the exit code."""
    logging.disable(logging.CRITICAL)
    gc.disable()  # `Server.ask` collects, after the answer
    server = build()
    # Output printed by a library is not part of the protocol.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with _left_at_once():
        server.start_io(sys.stdin.buffer, output)
    server.desk.is_wanted = bool  # never
    server.worker.shutdown(wait=False, cancel_futures=True)
    return server.protocol.exit_code


#: The signals that end the server, as they end any other subcommand.
_ENDING: Final = {
    getattr(signal, name): said
    for name, said in (("SIGINT", "interrupted"), ("SIGTERM", "terminated"), ("SIGHUP", "hung up"))
    if hasattr(signal, name)
}


@contextlib.contextmanager
def _left_at_once() -> Iterator[None]:
    """End the process at a signal: nothing wakes the thread that waits for input, and Python would wait for it."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    handled = [number for number, handler in before.items() if handler is not signal.SIG_IGN]  # as with `nohup`
    for number in handled:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


def _leave(number: int, _: object) -> None:
    with contextlib.suppress(OSError):  # nobody may read it
        os.write(2, f"flake8-celery-tasks: {_ENDING[number]}\n".encode())
    os._exit(128 + number)


def build() -> Server:
    """Return a server with handlers for everything that the client may send."""
    server = Server()
    _lifecycle(server)
    _documents(server)
    features.register(server)
    return server


def _lifecycle(server: Server) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        documents, text = server.documents, params.capabilities.text_document
        documents.encoding = server.protocol.units()
        edits = params.capabilities.workspace and params.capabilities.workspace.workspace_edit
        documents.takes_versions = bool(edits and edits.document_changes)
        documents.takes_annotations = bool(edits and edits.change_annotation_support)
        server.pulls = text is not None and text.diagnostic is not None
        server.plain = _plain(text)
        server.take_folders()
        server.configure(params.initialization_options, initial=True)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        if await ask_settings(server):  # open files may have been checked without them
            server.schedule("")
        await server.watch()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        if not await ask_settings(server):
            server.configure(params.settings)
        server.schedule("")

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_workspace_folders(_: types.DidChangeWorkspaceFoldersParams) -> None:
        server.take_folders()
        server.later(server.desk.configure, server.desk.settings, list(server.documents.folders))
        server.schedule("")


def _plain(text: types.TextDocumentClientCapabilities | None) -> frozenset[str]:
    """Return the requests whose answers the client can't show as Markdown: it has to say that it can."""
    hover = text.hover.content_format if text is not None and text.hover is not None else None
    completion = text.completion.completion_item if text is not None and text.completion is not None else None
    documentation = completion.documentation_format if completion is not None else None
    formats = {"hover": hover, "completion": documentation}
    return frozenset(what for what, known in formats.items() if types.MarkupKind.Markdown not in (known or ()))


async def ask_settings(server: Server) -> bool:
    """Ask the client for its settings, and return whether it has answered."""
    workspace = server.client_capabilities.workspace
    if workspace is None or not workspace.configuration:
        return False
    item = types.ConfigurationItem(section="flake8-celery-tasks")
    try:
        found = await server.workspace_configuration_async(types.ConfigurationParams([item]))
    except Exception as error:  # a client that claims to support it, but doesn't
        server.report_server_error(error, "workspace/configuration")
        return False
    if not found or not isinstance(found[0], dict):
        return False
    server.configure(found[0])
    return True


def _documents(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        if server.documents.opened(params.text_document) is not None and not server.pulls:
            server.schedule(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if server.documents.changed(params) is not None:
            server.schedule(params.text_document.uri, server.desk.settings.debounce / 1000)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if not server.watches:  # nothing else reports other changes
            server.later(server.desk.forget)
        elif path is not None:
            server.later(server.desk.changed_on_disk, [path], server.documents.held())
        server.schedule("" if server.pulls else params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        buffer = server.documents.closed(params.text_document.uri)
        if buffer is not None:
            server.later(server.desk.closed, buffer.path)
            if not server.pulls:
                server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(buffer.uri, []))
            server.schedule("")

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
        server.changed_on_disk([path for path in (path_of(one.uri) for one in params.changes) if path])
