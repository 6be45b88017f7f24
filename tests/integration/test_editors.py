"""The plugin as editors run it: through python-lsp-server, and as the VS Code extension calls flake8."""

from __future__ import annotations

import gc
import json
import os
import queue
import re
import subprocess
import sys
import threading
import weakref
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest
from pylsp_jsonrpc.endpoint import Endpoint
from pylsp_jsonrpc.streams import JsonRpcStreamReader, JsonRpcStreamWriter

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from tests.helpers import ROOT, write

#: Seconds that a server may take to answer. What is late fails: nothing sleeps.
PATIENCE = 60

CLEAN = """\
from celery import current_app


def view(pk):
    current_app.send_task("content.index", args=[pk])
"""
FAULTY = """\
from celery import current_app


def view(pk):
    current_app.send_task("content.indx", args=[pk])
    print("\u00e9t\u00e9"), current_app.send_task("content.index", args=[pk, 2])
"""
#: The faults of FAULTY: code, line and column from 0, and what stands there.
FAULTS = [
    ("CLY403", 4, 26, '"content.indx"'),
    ("CLY404", 5, 67, "2"),
]

TASKS = """\
from celery import shared_task


@shared_task(name="content.index", reject_on_worker_lost=True)
def index(pk):
    print(pk)
"""

PROJECT = {
    "manage.py": "",
    "project/settings.py": "INSTALLED_APPS = ['content', 'shop']\nCELERY_TASK_ACKS_LATE = True\n",
    "project/celery.py": (
        "from celery import Celery\n\napp = Celery('project')\n"
        "app.config_from_object('django.conf:settings', namespace='CELERY')\n"
    ),
    "content/tasks.py": TASKS,
    "shop/views.py": CLEAN,
    "shop/faulty.py": FAULTY,
}


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, PROJECT)
    (tmp_path / ".flake8").write_text("[flake8]\nselect = CLY\nextend-ignore = CLY9\n")
    return tmp_path


def test_what_the_faults_are():
    for _, line, column, text in FAULTS:
        assert FAULTY.splitlines()[line][column:].startswith(text)


class Client:
    """What talks to a server of its own over the server's standard streams, as an editor does."""

    def __init__(self, *command, handlers=(), folder=None):
        scripts = str(Path(sys.executable).parent)
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"]},
        )
        self.endpoint = Endpoint(dict(handlers), JsonRpcStreamWriter(self.process.stdin).write)
        reader = JsonRpcStreamReader(self.process.stdout)
        self.listener = threading.Thread(target=reader.listen, args=[self.endpoint.consume], daemon=True)
        self.listener.start()

    def request(self, method, **parameters):
        return self.endpoint.request(method, parameters).result(timeout=PATIENCE)

    def stop(self):
        """End the server, which has to do so by itself."""
        try:
            self.process.stdin.close()
            self.process.wait(timeout=PATIENCE)
        finally:
            self.process.kill()
            self.process.wait(timeout=PATIENCE)
            self.listener.join(timeout=PATIENCE)
            self.endpoint.shutdown()
            self.process.stdout.close()


# python-lsp-server.


def fences(language):
    """Return the code in a language on the page about editors."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8").partition("\n## The language server\n")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


class Server(Client):
    """A python-lsp-server that is told what the page tells Helix to tell it."""

    def __init__(self, folder):
        self.published = queue.Queue()
        self.versions = {}
        super().__init__("-m", "pylsp", handlers={"textDocument/publishDiagnostics": self.published.put})
        [helix] = fences("toml")
        self.request(
            "initialize",
            processId=os.getpid(),
            rootUri=folder.as_uri(),
            capabilities={},
            initializationOptions=tomllib.loads(helix)["language-server"]["pylsp"]["config"],
        )
        self.endpoint.notify("initialized", {})

    def diagnostics(self, path, text):
        """Show the server a document's text, which need not be on disk, and return what it says of it."""
        uri = path.as_uri()
        version = self.versions[uri] = self.versions.get(uri, 0) + 1
        document = {"uri": uri, "version": version}
        if version == 1:
            opened = {**document, "languageId": "python", "text": text}
            self.endpoint.notify("textDocument/didOpen", {"textDocument": opened})
        else:
            changes = [{"text": text}]
            self.endpoint.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        while True:
            said = self.published.get(timeout=PATIENCE)
            if (said["uri"], said["version"]) == (uri, version):
                return said["diagnostics"]

    def stop(self):
        try:
            self.request("shutdown")
            self.endpoint.notify("exit")
        finally:
            super().stop()


@pytest.fixture
def server(shop):
    running = Server(shop)
    yield running
    running.stop()


def starts(diagnostics):
    return [(one["code"], one["range"]["start"]["line"], one["range"]["start"]["character"]) for one in diagnostics]


FOUND = [fault[:3] for fault in FAULTS]


def test_a_server_judges_the_buffer_and_not_the_file(server, shop):
    views, faulty = shop / "shop/views.py", shop / "shop/faulty.py"
    assert starts(server.diagnostics(views, FAULTY)) == FOUND  # on disk it is clean
    assert starts(server.diagnostics(faulty, CLEAN)) == []  # on disk it is faulty
    assert starts(server.diagnostics(views, CLEAN)) == []
    assert starts(server.diagnostics(faulty, "\n" + FAULTY)) == [(code, line + 1, at) for code, line, at in FOUND]
    assert starts(server.diagnostics(shop / "shop/new.py", FAULTY)) == FOUND  # nothing is on disk


def test_a_server_says_what_is_wrong(server, shop):
    unknown, unfit = server.diagnostics(shop / "shop/views.py", FAULTY)
    assert unknown["source"] == unfit["source"] == "flake8"
    assert unknown["message"].startswith("CLY403 ")
    assert "content.indx" in unknown["message"]
    assert unfit["message"].startswith("CLY404 ")
    # flake8 tells no ends: the server marks the rest of the line.
    assert unknown["range"]["end"] == {"line": 4, "character": len(FAULTY.splitlines()[4]) + 1}


def test_a_server_follows_the_project(server, shop):
    """Other modules and the settings are what is on disk at that time."""
    tasks, views = shop / "content/tasks.py", shop / "shop/views.py"
    assert starts(server.diagnostics(tasks, TASKS)) == []  # acknowledged late, by the project's settings
    (shop / "project/settings.py").write_text("INSTALLED_APPS = ['content', 'shop']\n")
    assert starts(server.diagnostics(tasks, TASKS)) == [("CLY301", 3, 35)]
    assert starts(server.diagnostics(views, CLEAN)) == []
    tasks.write_text(TASKS.replace("content.index", "content.reindex"))
    assert starts(server.diagnostics(views, CLEAN)) == [("CLY403", 4, 26)]


def test_settings_on_the_page_can_be_read():
    code, zed, sublime = map(json.loads, fences("json"))
    assert all(name.startswith("flake8.") for name in code)
    assert zed["lsp"]["pylsp"]["settings"]["plugins"]["flake8"] == {"enabled": True}
    assert "--stdin-display-name" in sublime["linters"]["flake8"]["args"]


# The Flake8 extension of VS Code gives flake8 a file's absolute path when the file is opened or saved; a notebook, that
# is no file of Python, goes to standard input. Extensions made after it give every buffer so. The working folder is the
# workspace, or the file's folder. If it can, it runs flake8 again and again in one process.

FORMAT = "--format=%(row)d,%(col)d,%(code).1s,%(code)s:%(text)s"
LINE = re.compile(r"(?P<line>\d+),(?P<column>-?\d+),(?P<type>\w+),(?P<code>\w+\d+):(?P<message>[^\r\n]*)")


def parsed(output):
    """Return the findings in what the extension reads, as an editor counts: from 0."""
    found = [LINE.fullmatch(line) for line in output.splitlines()]
    assert all(found)
    assert {match["type"] for match in found} <= {"C"}
    return [(match["code"], int(match["line"]) - 1, int(match["column"]) - 1, match["message"]) for match in found]


def flake8(folder, *arguments, stdin=None):
    done = subprocess.run(
        [sys.executable, "-m", "flake8", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert not done.stderr
    assert done.returncode == bool(done.stdout)
    return done.stdout


def full(shop, name):
    """Return what flake8 finds in one file when it runs over the project."""
    lines = [line.replace("\\", "/") for line in flake8(shop).splitlines()]
    found = [re.fullmatch(r"\./(.*):(\d+):(\d+): (\w+) (.*)", line) for line in lines]
    return [
        (code, int(line) - 1, int(at) - 1, text)
        for path, line, at, code, text in map(re.Match.groups, found)
        if path == name
    ]


@pytest.mark.parametrize("folder", [".", "shop"])
def test_an_extension_gives_the_buffer_and_an_absolute_name(shop, folder):
    expected = full(shop, "shop/faulty.py")
    assert [one[:3] for one in expected] == FOUND
    name = str(shop / "shop" / "faulty.py")
    (shop / "shop/faulty.py").write_text(CLEAN)
    assert parsed(flake8(shop / folder, FORMAT, "--stdin-display-name", name, "-", stdin=FAULTY)) == expected
    (shop / "shop/faulty.py").write_text(FAULTY)
    assert parsed(flake8(shop / folder, FORMAT, "--stdin-display-name", name, "-", stdin=CLEAN)) == []


@pytest.mark.parametrize("folder", [".", "shop"])
def test_an_extension_gives_an_absolute_path(shop, folder):
    assert parsed(flake8(shop / folder, FORMAT, str(shop / "shop" / "faulty.py"))) == full(shop, "shop/faulty.py")
    assert parsed(flake8(shop / folder, FORMAT, str(shop / "shop" / "views.py"))) == []


def test_a_notebook(shop):
    name = str(shop / "shop" / "faulty.ipynb")
    found = parsed(flake8(shop, FORMAT, "--stdin-display-name", name, "-", stdin=FAULTY))
    assert [one[:3] for one in found] == FOUND


RESIDENT = """
import io, runpy, sys
from pylsp_jsonrpc.endpoint import Endpoint
from pylsp_jsonrpc.streams import JsonRpcStreamReader, JsonRpcStreamWriter

def run(parameters):
    sys.argv = ["flake8", *parameters["arguments"]]
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        runpy.run_module("flake8", run_name="__main__")
    except SystemExit:
        sys.stdout.seek(0)
        return sys.stdout.read()

writer = JsonRpcStreamWriter(sys.stdout.buffer)
JsonRpcStreamReader(sys.stdin.buffer).listen(Endpoint({"run": run}, writer.write).consume)
"""


@pytest.fixture
def resident(shop):
    running = Client("-c", RESIDENT, folder=shop)
    yield lambda *arguments: [one[0] for one in parsed(running.request("run", arguments=[FORMAT, *arguments]))]
    running.stop()


def test_a_process_that_lives_on_follows_the_project(resident, shop):
    tasks, views, settings = shop / "content/tasks.py", shop / "shop/views.py", shop / "project/settings.py"
    assert resident(str(views)) == resident(str(tasks)) == []
    tasks.write_text(TASKS.replace("content.index", "content.reindex"))
    assert resident(str(views)) == ["CLY403"]
    write(shop, {"shop/jobs/tasks.py": TASKS})
    assert resident(str(views)) == []
    settings.write_text(settings.read_text().replace("True", "False"))
    assert resident(str(tasks)) == ["CLY301"]
    (shop / ".flake8").write_text("[flake8]\nselect = CLY\ncelery-acks-late = true\n")
    assert resident(str(tasks)) == []


def test_a_process_that_lives_on_takes_options_each_time(resident, shop):
    views = str(shop / "shop/views.py")
    assert resident("--extend-select=CLY913", views) == ["CLY913"]
    assert resident(views) == []
    assert resident("--extend-select=CLY913", views) == ["CLY913"]


@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_further_run_keeps_nothing_of_the_last(shop, is_indexed):
    session.start_over()  # other tests in this process may have made an index
    known = session.project_of(str(shop / "shop/views.py"), Options())
    if is_indexed:
        assert tasks_of(known).by_name
    dropped = weakref.ref(known)
    del known
    frozen = [shop]
    gc.freeze()
    session.start_over()
    assert dropped() is None
    is_thawed = any(item is frozen for item in gc.get_objects())
    assert is_thawed is is_indexed  # the collector is called where there is something for it
    gc.unfreeze()
