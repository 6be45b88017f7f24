"""Measure the language server: what an edit, a quick fix and an answer cost, and whether its memory stays flat.

    python benchmarks/server.py corpus/weblate-2026.10.1 corpus/pretix-2026.8.0
    python benchmarks/server.py DIR ... --module trans/tasks.py    the module of about 1,000 lines, below the first DIR
    python benchmarks/server.py DIR ... --edits 10000              and the memory over so many edits

Starts the server of the Python that it runs in (`pip install -e '.[server]'`) and speaks to it over standard input and
output. Figures are CPU milliseconds of the server's process, as Linux counts them in /proc. Exit code: 0 every bound
holds, 1 a bound is broken, 2 it could not be measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: CPU milliseconds: diagnostics after an edit of a large module, and of the median one; a quick fix; another answer.
LARGE_MS, MIDDLE_MS, FIX_MS, ANSWER_MS = 60.0, 15.0, 150.0, 20.0
#: From opening a file of a project nobody knows to its diagnostics, against a `check` of that file with an empty cache.
OPEN = 1.3
#: How much more memory there may be after all edits than after the first tenth of them.
MEMORY = 1.1

#: A module that is about that long is looked for, and so many files are tried per project.
LINES, FILES = 1000, 40

CELERY = re.compile(rb"^(?:from|import) celery|shared_task|\.task\(", re.MULTILINE)
SENT = re.compile(r"\b(\w+)\.(?:delay|apply_async|s|si)\(")


class Server:
    """A server and its client."""

    def __init__(self, folder: Path, cache: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flake8_celery_tasks", "server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**environment, "XDG_CACHE_HOME": cache},
        )
        self.number = 0
        self.versions: dict[str, int] = {}
        capabilities = {"textDocument": {"publishDiagnostics": {"versionSupport": True}}}
        roots = [{"uri": folder.as_uri(), "name": folder.name}]
        options = {"debounce": 0}
        self.ask(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            capabilities=capabilities,
            workspaceFolders=roots,
            initializationOptions=options,
        )
        self.tell("initialized")

    def close(self) -> None:
        """End the server."""
        self.process.kill()
        self.process.wait()

    def _write(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) != b"\r\n":
            if not line:
                raise SystemExit("server.py: the server has ended")
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if "method" in message and "id" in message:
            self._write({"id": message["id"], "result": None})
        return message

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self._write({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request, and return what answers it."""
        self.number += 1
        self._write({"id": self.number, "method": method, "params": params})
        while (message := self._read()).get("id") != self.number or "method" in message:
            pass
        return message.get("result")

    def diagnostics(self, uri: str) -> list[dict[str, Any]]:
        """Return the diagnostics of a document as it is now."""
        while True:
            message = self._read()
            params = message.get("params") or {}
            is_of = message.get("method") == "textDocument/publishDiagnostics" and params.get("uri") == uri
            if is_of and params.get("version") == self.versions[uri]:
                found: list[dict[str, Any]] = params["diagnostics"]
                return found

    def open(self, path: Path) -> list[dict[str, Any]]:
        """Open a file, and return its diagnostics."""
        uri = path.as_uri()
        self.versions[uri] = 1
        text = path.read_text(encoding="utf-8")
        self.tell("textDocument/didOpen", textDocument={"uri": uri, "languageId": "python", "version": 1, "text": text})
        return self.diagnostics(uri)

    def shut(self, path: Path) -> None:
        """Close a file."""
        self.tell("textDocument/didClose", textDocument={"uri": path.as_uri()})

    def edit(self, path: Path, line: int) -> list[dict[str, Any]]:
        """Put a comment into a line of its own, or change it: no text comes twice."""
        uri = path.as_uri()
        self.versions[uri] += 1
        version = self.versions[uri]
        here = {"line": line, "character": 0}
        end = here if version == 2 else {"line": line + 1, "character": 0}
        change = {"range": {"start": here, "end": end}, "text": f"# Edit {version}.\n"}
        self.tell("textDocument/didChange", textDocument={"uri": uri, "version": version}, contentChanges=[change])
        return self.diagnostics(uri)

    def cpu(self) -> float:
        """Return the CPU milliseconds so far, once the server has nothing to do."""
        before = -1.0
        while (now := self._cpu()) != before:
            before = now
            time.sleep(0.02)
        return now

    def _cpu(self) -> float:
        spent = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has just ended
                spent += int((task / "schedstat").read_text().split()[0])
        return spent / 1e6

    def timed(self, action: Any) -> tuple[float, Any]:
        """Return the CPU milliseconds that something takes, and its result."""
        before = self.cpu()
        result = action()
        return self.cpu() - before, result

    def memory(self) -> int:
        """Return the kilobytes in memory."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1])


def files_of(project: Path) -> list[Path]:
    """Return files of a project that have to do with Celery, and that this Python can parse."""
    found = []
    for path in sorted(project.rglob("*.py")):
        data = path.read_bytes()
        if CELERY.search(data):
            try:
                compile(data, str(path), "exec", dont_inherit=True)
                data.decode()
            except (SyntaxError, ValueError):
                continue
            found.append(path)
    return found


def edits(server: Server, path: Path, rounds: int) -> list[float]:
    """Return what edits in the middle of a file cost; the first does not count."""
    server.open(path)
    line = path.read_text(encoding="utf-8").count("\n") // 2
    taken = [server.timed(lambda: server.edit(path, line))[0] for _ in range(rounds + 1)]
    server.shut(path)
    return taken[1:]


def answers(server: Server, path: Path) -> tuple[list[float], dict[str, list[float]]]:
    """Return what quick fixes and other answers in a file cost."""
    uri = path.as_uri()
    fixes = []
    for problem in server.open(path)[:4]:
        context = {"diagnostics": [problem]}
        asked = {"textDocument": {"uri": uri}, "range": problem["range"], "context": context}
        fixes.append(server.timed(lambda asked=asked: server.ask("textDocument/codeAction", **asked))[0])
    others: dict[str, list[float]] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    places = [(number, match.start(1)) for number, line in enumerate(lines) if (match := SENT.search(line))]
    for number, column in places[:4]:
        asked = {"textDocument": {"uri": uri}, "position": {"line": number, "character": column}}
        for method in ("hover", "definition", "completion"):
            taken, _ = server.timed(lambda method=method, asked=asked: server.ask(f"textDocument/{method}", **asked))
            others.setdefault(method, []).append(taken)
    server.shut(path)
    return fixes, others


def opening(path: Path, project: Path) -> tuple[float, float]:
    """Return the CPU milliseconds of a server until the first diagnostics of a file, and of a `check` of it."""
    ours, checks = [], []
    for number in range(4):
        with tempfile.TemporaryDirectory() as cache:
            server = Server(project, cache)
            taken, _ = server.timed(lambda server=server: server.open(path))
            server.close()
        with tempfile.TemporaryDirectory() as cache:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "flake8_celery_tasks", "check", "--isolated", "--quiet", str(path)]
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
            environment["XDG_CACHE_HOME"] = cache
            subprocess.run(command, cwd=project, env=environment, capture_output=True, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if number:  # the first round fills what the system keeps
            ours.append(taken)
            checks.append((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000)
    return statistics.median(ours), statistics.median(checks)


def grown(server: Server, path: Path, count: int) -> tuple[int, int]:
    """Return the memory after a tenth of many edits, and after all."""
    server.open(path)
    line = path.read_text(encoding="utf-8").count("\n") // 2
    early = 0
    for number in range(count):
        server.edit(path, line)
        if number == count // 10:
            early = server.memory()
    return early, server.memory()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--module", help="the large module, below the first project")
    parser.add_argument("--edits", type=int, default=0, metavar="N", help="see what memory N edits leave")
    given = parser.parse_args()
    if not Path("/proc/self/task").is_dir():
        print("server.py: this needs Linux", file=sys.stderr)
        return 2
    largest, *_ = projects = [project.resolve() for project in given.projects]
    known = {project: files_of(project) for project in projects}
    if given.module:
        module = largest / given.module
    else:
        module = min(known[largest], key=lambda path: abs(path.read_bytes().count(b"\n") - LINES))
    middles: list[float] = []
    fixes: list[float] = []
    others: dict[str, list[float]] = {}
    large: list[float] = []
    early = late = 0
    for project, files in known.items():
        with tempfile.TemporaryDirectory() as cache:
            Server(project, cache).open(files[0])  # fills the cache
            server = Server(project, cache)
            server.open(files[0])
            for path in files[:: max(1, len(files) // FILES)]:
                middles.append(statistics.median(edits(server, path, 3)))
                fixing, answered = answers(server, path)
                fixes += fixing
                for method, taken in answered.items():
                    others.setdefault(method, []).extend(taken)
            if project == largest:
                large = edits(server, module, 9)
                if given.edits:
                    early, late = grown(server, module, given.edits)
            server.close()
    ours, check = opening(module, largest)
    lines = module.read_bytes().count(b"\n")
    rows = [
        (f"an edit of `{module.relative_to(largest)}`, {lines} lines", statistics.median(large), LARGE_MS),
        (f"an edit, the median of {len(middles)} files", statistics.median(middles), MIDDLE_MS),
        (f"a quick fix, the median of {len(fixes)}", statistics.median(fixes), FIX_MS),
        *((f"{method}, {len(taken)} times", statistics.median(taken), ANSWER_MS) for method, taken in others.items()),
        (f"opening that file, in times of `check` ({check:.0f} ms)", ours / check, OPEN),
    ]
    if given.edits:
        rows.append(
            (f"memory after {given.edits} edits, in times of a tenth ({early // 1024} MB)", late / early, MEMORY)
        )
    print("| | measured | bound |\n|---|--:|--:|")
    for what, measured, bound in rows:
        print(f"| {what} | {measured:.{2 if bound < 5 else 1}f} | {bound:g} |")
    return int(any(measured > bound for _, measured, bound in rows))


if __name__ == "__main__":
    sys.exit(main())
