"""The server in this process: a test gives it messages and takes its own, as a client does over a pipe."""

from __future__ import annotations

import asyncio
import json

import pytest_asyncio

from flake8_celery_tasks.server.lsp import app
from flake8_celery_tasks.server.lsp.main import build
from tests.helpers import write
from tests.server.conftest import PATIENCE, SHOP, VIEWS

__all__ = ["inside"]


class Inside:
    """A server, and the client's side of it. It has to be made where an event loop runs."""

    def __init__(self, folder, files=None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write(folder, SHOP if files is None else files)
        self.folder = folder
        self.server = build()
        self.server.protocol.set_writer(self, include_headers=False)
        self.loop = asyncio.get_running_loop()
        self.arrived = asyncio.Event()
        self.received: list[dict] = []
        #: What the client answers to the requests of the server, by method: a result, or an error.
        self.answers: dict[str, dict] = {}
        self.number = 0

    # The server's side.

    def write(self, data: bytes) -> None:
        """Take a message of the server, of whatever thread."""
        self.loop.call_soon_threadsafe(self.take, json.loads(data))

    def take(self, message) -> None:
        self.received.append(message)
        self.arrived.set()
        if "method" in message and "id" in message:
            self.give(id=message["id"], **self.answers.get(message["method"], {"result": None}))

    def close(self) -> None:
        """Take note that the server closes its output."""

    # The client's side.

    def give(self, **message) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message})
        protocol = self.server.protocol
        protocol.handle_message(json.loads(text, object_hook=protocol.structure_message))

    def tell(self, method, **params) -> None:
        self.give(method=method, params=params)

    def begin(self, method, **params) -> int:
        """Send a request, and return its number."""
        self.number += 1
        self.give(method=method, params=params, id=self.number)
        return self.number

    async def until(self, wanted):
        """Return the first message that is wanted, when it is there."""
        while True:
            for message in self.received:
                if wanted(message):
                    return message
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), PATIENCE)

    async def answer(self, number):
        return await self.until(lambda message: message.get("id") == number and "method" not in message)

    async def ask(self, method, **params):
        return await self.answer(self.begin(method, **params))

    async def initialize(self, options=None, folders=None, **capabilities):
        options = {"debounce": 0, **(options or {})}
        params = {"processId": None, "rootUri": self.folder.as_uri(), "capabilities": capabilities}
        if folders is not None:
            params["workspaceFolders"] = [{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
        answer = await self.ask("initialize", **params, initializationOptions=options)
        self.tell("initialized")
        return answer["result"]["capabilities"]

    def uri(self, name: str) -> str:
        return name if ":" in name else (self.folder / name).as_uri()

    def open(self, name: str, text: str = VIEWS, version: int = 1, language: str = "python") -> str:
        uri = self.uri(name)
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        return uri

    def change(self, name: str, version: int, *changes) -> None:
        document = {"uri": self.uri(name), "version": version}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=list(changes))

    def sent(self, method: str) -> list[dict]:
        """Return the parameters of what the server has sent of a kind, and forget it."""
        found = [message.get("params") for message in self.received if message.get("method") == method]
        self.received = [message for message in self.received if message.get("method") != method]
        return found

    async def pushed(self, name: str = "content/views.py", version: int | None = None) -> list[str]:
        """Return the codes of the diagnostics of a file that come next, and forget them."""
        uri = self.uri(name)

        def wanted(message):
            params = message.get("params")
            return (
                message.get("method") == "textDocument/publishDiagnostics"
                and params["uri"] == uri
                and (version is None or params.get("version") == version)
            )

        message = await self.until(wanted)
        self.received.remove(message)
        return [one["code"] for one in message["params"]["diagnostics"]]

    async def quiet(self) -> None:
        """Wait until nothing is left to be done: for the files that are looked at, and all that they bring."""
        while left := [task for task in self.server._pending.values() if not task.done()]:
            await asyncio.wait_for(asyncio.wait(left), PATIENCE)
        await asyncio.wait_for(asyncio.wrap_future(self.server.worker.submit(int)), PATIENCE)
        await asyncio.sleep(0)  # what the server has sent meanwhile is taken

    async def stop(self) -> None:
        for task in self.server._pending.values():
            task.cancel()
        self.server.desk.is_wanted = bool  # never
        self.server.worker.shutdown(cancel_futures=True)
        await asyncio.sleep(0)


@pytest_asyncio.fixture
async def inside(tmp_path, monkeypatch):
    """Return what makes a server with some files; it ends with the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(app, "QUIET", 0)
    running = []

    def begin(files=None):
        running.append(Inside(tmp_path / "project", files))
        return running[-1]

    yield begin
    for one in running:
        await one.stop()
