"""Looks for messages that break the language server: `python -m tests.robustness.fuzz_server SECONDS`.

Each session is a process: it is initialized, told of open files, changed by edits that fit and that don't, asked
everything, in messages of which some hold what no client would send. Whatever comes, each request gets one answer, and
the session ends as the client wishes: exit code 0, and no traceback. What breaks is written to the working folder, as
`server-<seed>.json`, and told.
"""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.helpers import ROOT
from tests.robustness import fuzz

#: Seconds that a session may take.
PATIENCE: Final = 120

TEXT: Final = (
    "from celery import current_app, shared_task\n\n\n"
    '@shared_task(name="shop.pay", max_retries=3)\ndef pay(order): ...\n\n\ndef view():\n    pay.delay()\n'
    '    current_app.send_task("shop.pya", args=[1], countdwon=1)\n    x = "\\ud83d é"\n'
)
FILES: Final = {"pyproject.toml": "", "shop/__init__.py": "", "shop/tasks.py": TEXT, "shop/other.py": "import celery\n"}

#: What no client sends.
HOSTILE: Final = (
    *(
        None,
        True,
        -1,
        0,
        1 << 31,
        1 << 53,
        -(1 << 70),
        1.5,
        "",
        "a" * 3000,
        "\ud83d",
        "file://",
        "file:///",
        "\0",
        "%00",
    ),
    *("untitled:a", "http://a/b.py", "file:///proc/self/mem", "file:///dev/zero", [], {}, [[]], [None], {"a": {}}),
)

#: What is asked of a place, and what more than a place it takes.
ASKED: Final[dict[str, dict[str, Any]]] = {
    "textDocument/hover": {},
    "textDocument/definition": {},
    "textDocument/references": {"context": {"includeDeclaration": True}},
    "textDocument/completion": {"context": {"triggerKind": 1}},
    "textDocument/prepareRename": {},
    "textDocument/rename": {"newName": "shop.paid"},
    "textDocument/codeLens": {},
    "textDocument/diagnostic": {},
    "textDocument/codeAction": {"context": {"diagnostics": [], "only": ["source.fixAll"]}},
    "codeAction/resolve": {"title": "a", "data": {"uri": "file:///a", "code": "CLY101"}},
    "workspace/symbol": {"query": "pay"},
    "workspace/executeCommand": {"command": "flake8-celery-tasks.fixAll", "arguments": []},
    "$/unknown": {},
}


class Session:
    """The messages of one session, by chance."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.number = 0
        self.asked: list[int] = []
        self.messages = [
            self.request("initialize", {"capabilities": {}, "rootUri": folder.as_uri(), "processId": None})
        ]
        self.tell("initialized", {})
        for _ in range(40):
            self.chance.choice((self.open, self.edit, self.edit, self.ask, self.ask, self.other))()
        self.messages += [self.request("shutdown", None), {"jsonrpc": "2.0", "method": "exit"}]

    def request(self, method: str, params: Any) -> dict[str, Any]:
        self.number += 1
        self.asked.append(self.number)
        return {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}

    def tell(self, method: str, params: Any) -> None:
        self.messages.append({"jsonrpc": "2.0", "method": method, "params": params})

    def uri(self) -> str:
        return (self.folder / self.chance.choice(("shop/tasks.py", "shop/other.py", "shop/new.py"))).as_uri()

    def place(self) -> dict[str, int]:
        return {"line": self.chance.choice((0, 3, 8, 9, 500)), "character": self.chance.choice((0, 4, 12, 24, 9000))}

    def spoilt(self, params: Any) -> Any:
        """Return parameters with something in them replaced, once in a while."""
        params = copy.deepcopy(params)
        while self.chance.random() < 0.3:
            found: list[tuple[Any, Any]] = []
            pending = [params]
            while pending:
                inner = pending.pop()
                items = (
                    inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
                )
                for key, value in items:
                    found.append((inner, key))
                    pending.append(value)
            if not found or self.chance.random() < 0.05:
                return self.chance.choice(HOSTILE)
            holder, key = self.chance.choice(found)
            holder[key] = copy.deepcopy(self.chance.choice(HOSTILE))
        return params

    def open(self) -> None:
        text = self.chance.choice(
            (TEXT, "", "def (\n", fuzz.changed(TEXT.encode(), self.chance).decode("utf-8", "replace"))
        )
        document = {"uri": self.uri(), "languageId": "python", "version": 1, "text": text}
        self.tell("textDocument/didOpen", self.spoilt({"textDocument": document}))

    def edit(self) -> None:
        text = self.chance.choice(("", "\r\n", "@", "x" * 50, "é\U0001f600", "\nimport celery\n", '"shop.pay"', "("))
        change: dict[str, Any] = {"text": text}
        if self.chance.random() < 0.9:
            change["range"] = {"start": self.place(), "end": self.place()}
        params = {"textDocument": {"uri": self.uri(), "version": self.number}, "contentChanges": [change]}
        self.tell("textDocument/didChange", self.spoilt(params))

    def ask(self) -> None:
        method, more = self.chance.choice(list(ASKED.items()))
        where = {"textDocument": {"uri": self.uri()}, "position": self.place()}
        where["range"] = {"start": self.place(), "end": self.place()}
        self.messages.append(self.request(method, self.spoilt({**where, **more})))
        if self.chance.random() < 0.1:
            self.tell("$/cancelRequest", self.spoilt({"id": self.number}))

    def other(self) -> None:
        method, params = self.chance.choice(
            (
                ("textDocument/didClose", {"textDocument": {"uri": self.uri()}}),
                ("textDocument/didSave", {"textDocument": {"uri": self.uri()}}),
                ("workspace/didChangeWatchedFiles", {"changes": [{"uri": self.uri(), "type": 2}]}),
                (
                    "workspace/didChangeConfiguration",
                    {"settings": {"select": ["CLY9"], "enable": True, "severity": {}}},
                ),
                ("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": []}}),
                ("$/setTrace", {"value": "verbose"}),
            )
        )
        self.tell(method, self.spoilt(params))


def framed(message: object) -> bytes:
    """Return a message as it is sent."""
    content = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def answers(output: bytes) -> list[dict[str, Any]]:
    """Return the messages that a server has sent."""
    found = []
    while output:
        head, _, rest = output.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        found.append(json.loads(rest[:length]))
        output = rest[length:]
    return found


def broken_by(session: Session) -> str:
    """Return what is wrong in a session, an empty text where nothing is."""
    command = [sys.executable, "-m", "flake8_celery_tasks", "server"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(session.folder / ".cache"), "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command,
            input=b"".join(map(framed, session.messages)),
            capture_output=True,
            timeout=PATIENCE,
            cwd=session.folder,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "it does not end"
    given = [one["id"] for one in answers(done.stdout) if "id" in one and "method" not in one]
    if done.returncode or done.stderr:
        return f"exit code {done.returncode}: {done.stderr.decode(errors='replace')[-3000:]}"
    return "" if sorted(given, key=str) == sorted(session.asked, key=str) else f"answered {given} of {session.asked}"


def run(seconds: float, seed: int) -> tuple[int, int]:
    """Try sessions for some time, one at least; return how many were tried, and how many broke."""
    end = time.monotonic() + seconds
    tried = broken = 0
    while not tried or time.monotonic() < end:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in FILES.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            session = Session(Path(folder), seed + tried)
            wrong = broken_by(session)
        if wrong:
            broken += 1
            Path(f"server-{seed + tried}.json").write_text(json.dumps(session.messages), encoding="utf-8")
            sys.stderr.write(f"server-{seed + tried}.json: {wrong}\n")
        tried += 1
    return tried, broken


def main(arguments: list[str]) -> int:
    """Run for as many seconds as are told, 60 where none are; a second number seeds what is random."""
    seconds = float(arguments[0]) if arguments else 60.0
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(1 << 32)
    tried, broken = run(seconds, seed)
    sys.stdout.write(f"{tried} sessions in {seconds:g} s, seed {seed}: {broken} broke\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
