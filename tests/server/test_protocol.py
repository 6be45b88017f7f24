"""What pygls leaves open: every request is answered, the exit code says how it ended, nothing pops up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("pygls")

from flake8_celery_tasks.workspace import cache
from tests.helpers import ROOT, write
from tests.server.conftest import SHOP, VIEWS

TIMEOUT = 60


class Wire:
    """A server, and messages as they are."""

    def __init__(self, folder) -> None:
        folder.mkdir(exist_ok=True)
        write(folder, SHOP)
        self.folder = folder
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flake8_celery_tasks", "server", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=env,
        )
        self.number = 0
        self.alarm = threading.Timer(TIMEOUT, self.process.kill)  # what hangs fails
        self.alarm.start()

    def send(self, method, params=None, **given):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **given}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def answer(self, number, result):
        body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(self.process.stdout.read(length))

    def ask(self, method, params=None):
        self.number += 1
        self.send(method, params, id=self.number)
        while True:
            message = self.receive()
            assert message.get("method") != "window/showMessage"
            if message.get("id") == self.number and "method" not in message:
                return message

    def initialize(self, **capabilities):
        return self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": self.folder.as_uri(),
                "capabilities": capabilities,
                "initializationOptions": {"flake8-celery-tasks": {"debounce": 0}, "x": 1},
            },
        )["result"]

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT)
        self.process.stdout.close()
        return code


@pytest.fixture
def wire(tmp_path):
    found = Wire(tmp_path / "project")
    yield found
    found.alarm.cancel()
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait(TIMEOUT)


def test_what_the_server_can_do_and_how_it_ends(wire):
    assert wire.ask("textDocument/hover", {})["error"]["code"] in (-32002, -32602)
    able = wire.initialize()["capabilities"]
    assert able["positionEncoding"] == "utf-16"
    assert able["diagnosticProvider"]["interFileDependencies"] is True
    assert set(able["codeActionProvider"]["codeActionKinds"]) == {"quickfix", "source.fixAll.celery"}
    for name in ("hover", "definition", "references", "rename", "completion", "workspaceSymbol", "codeLens"):
        assert able[f"{name}Provider"]
    wire.send("initialized", {})
    assert wire.ask("textDocument/hover", {"textDocument": 7})["error"]["code"] == -32602
    assert wire.ask("no/such", {})["error"]["code"] == -32601
    assert wire.ask("shutdown")["result"] is None
    assert (
        wire.ask("textDocument/hover", {"textDocument": {"uri": "file:///a"}, "position": {"line": 0, "character": 0}})[
            "error"
        ]["code"]
        == -32600
    )
    wire.send("exit")
    assert wire.process.wait(TIMEOUT) == 0


def test_an_exit_without_a_shutdown(wire):
    wire.initialize()
    wire.send("exit")
    assert wire.process.wait(TIMEOUT) == 1


def test_an_end_without_a_word(wire):
    wire.initialize()
    assert wire.end() == 1


def test_documents_that_the_library_would_corrupt(wire):
    able = wire.initialize(general={"positionEncodings": ["utf-8", "utf-16"]})["capabilities"]
    assert able["positionEncoding"] == "utf-8"
    wire.send("initialized", {})
    uri = (wire.folder / "content/views.py").as_uri()
    # Of a document that is not open.
    wire.send("textDocument/didChange", {"textDocument": {"uri": uri, "version": 3}, "contentChanges": [{"text": ""}]})
    text = f'"""\x0c \u2028 \u00e9"""\n{VIEWS}'
    wire.send(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}
    )
    line = text.split("\n").index('    current_app.send_task("content.indx", args=[pk])')
    start = {"line": line, "character": 4}
    change = {"range": {"start": start, "end": start}, "text": '"\u00e9", '}
    wire.send("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [change]})
    while True:
        message = wire.receive()
        assert message.get("method") != "window/showMessage"
        if message.get("method") == "textDocument/publishDiagnostics" and message["params"].get("version") == 2:
            break
    (one,) = message["params"]["diagnostics"]
    assert one["range"]["start"] == {"line": line, "character": 4 + 6 + len("current_app.send_task(")}
    wire.send("textDocument/didClose", {"textDocument": {"uri": uri}})
    while message.get("method") != "textDocument/publishDiagnostics" or message["params"]["diagnostics"]:
        message = wire.receive()


def test_without_the_extra(tmp_path):
    write_to = tmp_path / "pygls"
    write_to.mkdir()
    code = (
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'pygls' else find(name, *a)\n"
        "from flake8_celery_tasks.command.main import main\n"
        "sys.exit(main(['server']))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False, timeout=TIMEOUT
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert 'pip install "flake8-celery-tasks[server]"' in done.stderr


def test_nothing_else_imports_it(tmp_path):
    (tmp_path / "a.py").write_text("from celery import shared_task\n")
    code = (
        "import sys\n"
        "from flake8_celery_tasks.command.main import main\n"
        "import flake8_celery_tasks.plugin\n"
        "main(['check', 'a.py']), main(['tasks', '.']), main(['fix', '--diff', 'a.py']), main(['explain', 'CLY101'])\n"
        "found = [name for name in sys.modules if name.split('.')[0] in ('pygls', 'lsprotocol', 'cattrs', 'attrs')]\n"
        "sys.exit(str(found) if found else 0)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=env,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr


def test_progress_and_cancelled_requests(wire):
    time.sleep(cache.RACY_NS / 1e9)  # what has changed just now is not cached
    wire.initialize(window={"workDoneProgress": True})
    wire.send("initialized", {})
    uri = (wire.folder / "content/views.py").as_uri()
    document = {"uri": uri, "languageId": "python", "version": 1, "text": VIEWS}
    wire.send("textDocument/didOpen", {"textDocument": document})
    seen = []
    while "end" not in seen or "textDocument/publishDiagnostics" not in seen:
        message = wire.receive()
        seen.append(message.get("method"))
        if message.get("method") == "window/workDoneProgress/create":
            wire.answer(message["id"], None)
        if message.get("method") == "$/progress":
            seen.append(message["params"]["value"]["kind"])
    assert [one for one in seen if one in ("begin", "end")] == ["begin", "end"]
    place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
    wire.send("textDocument/references", {**place, "context": {"includeDeclaration": True}}, id=100)
    wire.send("$/cancelRequest", {"id": 100})
    while message.get("id") != 100:
        message = wire.receive()
    assert "error" not in message or message["error"]["code"] == -32800
    assert wire.ask("textDocument/hover", place)["result"] is None
    assert list(wire.folder.glob("cache/**/*.json"))
