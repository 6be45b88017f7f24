"""The server: passes the client's notifications and requests to the thread that owns the projects."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from flake8_celery_tasks import __version__
from flake8_celery_tasks.server import diagnosis, settings
from flake8_celery_tasks.server.desk import Buffer, Desk, Unwanted
from flake8_celery_tasks.server.homes import CONFIGURING
from flake8_celery_tasks.server.lsp.documents import Documents, path_of
from flake8_celery_tasks.server.lsp.protocol import REFUSALS, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from flake8_celery_tasks.server.desk import Sight
    from flake8_celery_tasks.server.diagnosis import Problem

Answer = TypeVar("Answer")

#: Seconds without a change after which the server analyses files ahead of further requests.
QUIET: Final = 1

#: The key, among the addresses of files, of what follows once the client has pulled diagnostics.
_PULLED: Final = "pulled"

#: How many more objects than after the last collection there may be before the next one.
GARBAGE: Final = 300_000

#: Names of the files that Celery's version is read from.
_PINNING: Final = ("*requirements*.txt", "*.lock", "Pipfile")


class Server(LanguageServer):
    """The language server. All work on projects is done in one thread, one request after the other."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__(diagnosis.SOURCE, __version__, protocol_cls=Protocol)
        self.documents = Documents()
        self.desk = Desk(self.tell_error)
        self.worker = ThreadPoolExecutor(1, "projects")
        self.pulls = False
        #: The requests, `hover` or `completion`, whose answers the client can't show as Markdown.
        self.plain: frozenset[str] = frozenset()
        self._initial = settings.Settings()  # what the client said at the start: later settings come on top
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._watched: frozenset[str] = frozenset()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._read: asyncio.Event | None = None  # set when a project that was not cached has been read
        self.desk.cold = self._begin_progress

    # Messages.

    def tell_error(self, message: str) -> None:
        """Show the user what is wrong with the configuration."""
        self._show(types.MessageType.Error, message)

    def warn(self, message: str) -> None:
        """Show the user what they should know."""
        self._show(types.MessageType.Warning, message)

    def log(self, message: str) -> None:
        """Write to the client's log."""
        self.window_log_message(types.LogMessageParams(types.MessageType.Warning, message))

    def _show(self, kind: types.MessageType, message: str) -> None:
        self.window_show_message(types.ShowMessageParams(kind, f"flake8-celery-tasks: {message}"))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log an error: it does not interrupt the user. A refusal is an answer, not an error."""
        if not (isinstance(error, JsonRpcException) and error.code in REFUSALS):
            self.log(f"{getattr(source, '__name__', source)}: {type(error).__name__}: {error}")

    # Requests.

    async def ask(self, work: Callable[..., Answer], *given: Any) -> Answer | None:
        """Return the result of some work in the projects' thread, None if it is no longer wanted."""
        wanted = [True]
        self._loop = asyncio.get_running_loop()
        try:
            return await self._loop.run_in_executor(self.worker, self._do, wanted, work, given)
        except asyncio.CancelledError:
            wanted.clear()
            raise
        finally:
            with contextlib.suppress(RuntimeError):  # the server ends
                self.worker.submit(_collect)

    def _do(self, wanted: list[bool], work: Callable[..., Answer], given: tuple[Any, ...]) -> Answer | None:
        self.desk.is_wanted = lambda: bool(wanted)
        try:
            self.desk.check()
            return work(*given)
        except Unwanted:
            self.desk.unwanted()
            return None
        except JsonRpcException:  # an answer
            raise
        except Exception:  # which the caller logs
            self.desk.unwanted()
            raise
        finally:
            for message in self.desk.recover():
                self.log(message)
            if self._read is not None and self._loop is not None:
                self._loop.call_soon_threadsafe(self._read.set)
                self._read = None

    def later(self, work: Callable[..., None], *given: Any) -> None:
        """Do some work in the projects' thread that nobody waits for: a failure is logged."""
        self.worker.submit(self._later, work, given)

    def _later(self, work: Callable[..., None], given: tuple[Any, ...]) -> None:
        try:
            work(*given)
        except Exception as error:
            self.report_server_error(error, work)

    # Progress.

    def _begin_progress(self) -> None:
        window = self.client_capabilities.window
        if self._read is None and self._loop is not None and window is not None and window.work_done_progress:
            self._read = asyncio.Event()
            asyncio.run_coroutine_threadsafe(self._show_progress(self._read), self._loop)

    async def _show_progress(self, read: asyncio.Event) -> None:
        token = str(uuid.uuid4())
        await self.work_done_progress.create_async(token)
        begin = types.WorkDoneProgressBegin(title="Celery tasks", message="reading the project")
        self.work_done_progress.begin(token, begin)
        await read.wait()
        self.work_done_progress.end(token, types.WorkDoneProgressEnd())

    async def about(self, uri: str, work: Callable[[Sight, Buffer], Answer | None]) -> Answer | None:
        """Return the result of some work on an open file; None if it is not open, or its configuration is broken."""
        buffer = self.documents.open.get(uri)
        if buffer is None or not self.desk.settings.enable:
            return None
        return await self.ask(self._about, work, buffer, self.documents.held(buffer))

    def _about(
        self, work: Callable[[Sight, Buffer], Answer | None], buffer: Buffer, buffers: dict[str, Buffer]
    ) -> Answer | None:
        if not self.desk.settings.enable or not buffer.path:
            return None
        sight = self.desk.sight(buffer.path, buffers)
        if sight is None:
            return None
        with sight.home.entered():
            return work(sight, buffer)

    def sights(self) -> list[Sight]:
        """Return the projects of all workspace folders, and of the open files."""
        buffers = self.documents.held()
        paths = [*buffers, *(os.path.join(folder, "any.py") for folder in self.documents.folders)]
        found = [self.desk.sight(path, buffers) for path in paths]
        return list(dict.fromkeys(sight for sight in found if sight is not None))

    def problems(self, buffer: Buffer, buffers: dict[str, Buffer]) -> list[Problem]:
        """Return the findings in an open file. A crash costs its diagnostics only."""
        try:
            return diagnosis.problems(self.desk, buffer, buffers, self.desk.crashed)
        except Exception as error:
            self.desk.unwanted()
            self.report_server_error(error, buffer.path)
            return []

    # Diagnostics.

    def diagnostic(self, buffer: Buffer, problem: Problem) -> types.Diagnostic:
        """Return a finding as a diagnostic of the protocol."""
        return types.Diagnostic(
            range=self.documents.range(buffer.text, problem.start, problem.end),
            message=problem.message,
            severity=types.DiagnosticSeverity(self.desk.settings.severity_of(problem.code)),
            code=problem.code,
            code_description=types.CodeDescription(problem.link) if problem.link else None,
            source=diagnosis.SOURCE,
            data=diagnosis.data_of(problem),
        )

    async def diagnose(self, buffer: Buffer) -> list[types.Diagnostic] | None:
        """Return the diagnostics of an open file."""
        found = await self.ask(self.problems, buffer, self.documents.held(buffer))
        return None if found is None else [self.diagnostic(buffer, problem) for problem in found]

    async def publish(self, uri: str) -> None:
        """Push the diagnostics of a file, unless it has changed in the meantime."""
        buffer = self.documents.open.get(uri)
        if buffer is None:
            return
        found = await self.diagnose(buffer)
        if found is not None and self.documents.open.get(uri) is buffer:
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, buffer.version))

    def schedule(self, uri: str, delay: float = 0) -> None:
        """Schedule pushing the diagnostics of a file, then of all other open ones."""
        self._start(uri, self._publish_all(uri, delay))

    def pulled(self) -> None:
        """Schedule what follows once the client has pulled diagnostics."""
        self._start(_PULLED, self._prepare())

    def _start(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._pending.pop(key, None)
        if before is not None:
            before.cancel()
        self._pending[key] = asyncio.ensure_future(work)
        self._pending[key].add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Log the failure of what nobody waits for."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.report_server_error(error, task.get_coro())

    async def _publish_all(self, first: str, delay: float) -> None:
        await asyncio.sleep(delay)
        if self.pulls:
            if len(self.documents.open) > 1 or not first:
                self.refresh()
            return
        for uri in dict.fromkeys((first, *self.documents.open)):
            await self.publish(uri)
        await self._prepare()

    async def _prepare(self) -> None:
        await self.watch()
        await self.ask(self.desk.save)
        await asyncio.sleep(QUIET)
        while await self.ask(self.desk.prepare):
            pass

    def refresh(self) -> None:
        """Ask the client to pull again."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.diagnostics is not None and workspace.diagnostics.refresh_support:
            self.workspace_diagnostic_refresh(None)

    def refresh_lenses(self) -> None:
        """Ask the client to ask for lenses again."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    # Files and settings.

    def configure(self, given: object, *, initial: bool = False) -> None:
        """Apply the client's settings; those that it does not mention are as they were at the start."""
        before = self.desk.settings
        found, told = settings.read(given, None if initial else self._initial)
        for line in told:
            self.log(line)
        self.later(self.desk.configure, found, list(self.documents.folders))
        self.desk.settings = found
        if initial:
            self._initial = found
        elif (found.code_lens, found.enable) != (before.code_lens, before.enable):
            self.refresh_lenses()

    def take_folders(self) -> None:
        """Apply the workspace folders."""
        uris = [folder.uri for folder in self.workspace.folders.values()]
        if not uris and self.workspace.root_uri:
            uris = [self.workspace.root_uri]
        self.documents.folders = [path for path in map(path_of, uris) if path]

    @property
    def watches(self) -> bool:
        """Whether the client reports changes on disk."""
        workspace = self.client_capabilities.workspace
        watching = None if workspace is None else workspace.did_change_watched_files
        return watching is not None and bool(watching.dynamic_registration)

    async def watch(self) -> None:
        """Make the client watch the files that the configuration names, if it can."""
        if not self.watches:
            return
        names = frozenset(os.path.basename(path) for path in self.desk.named())
        wanted = frozenset(("*.py", *CONFIGURING, *_PINNING)) | names
        if wanted <= self._watched:
            return
        self._watched |= wanted
        options = types.DidChangeWatchedFilesRegistrationOptions(
            [types.FileSystemWatcher(glob_pattern=f"**/{name}") for name in sorted(wanted)]
        )
        registration = types.Registration(
            id=f"files-{len(wanted)}", method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES, register_options=options
        )
        self.client_register_capability(types.RegistrationParams([registration]))

    def changed_on_disk(self, paths: list[str]) -> None:
        """Handle files that have changed on disk."""
        self.later(self.desk.changed_on_disk, paths, self.documents.held())
        self.schedule("")


def _collect() -> None:
    """Collect garbage if there may be much of it: the old trees of an edited file refer to each other."""
    if gc.get_count()[0] > GARBAGE:
        gc.collect()
