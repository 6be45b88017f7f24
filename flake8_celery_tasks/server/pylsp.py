"""A plugin for python-lsp-server: actions, hover, definition, references and completion, from the same answers.

Diagnostics stay with its plugin for flake8 unless they are requested: nobody sees them twice.
"""

from __future__ import annotations

import logging
import os
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import pluggy

from flake8_celery_tasks.core.violation import PREFIX
from flake8_celery_tasks.server import actions, diagnosis, settings
from flake8_celery_tasks.server.answers import completion, hover, places
from flake8_celery_tasks.server.desk import Buffer, Desk
from flake8_celery_tasks.server.text import Place, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flake8_celery_tasks.edits.edit import Edit
    from flake8_celery_tasks.server.desk import Sight
    from flake8_celery_tasks.server.diagnosis import Problem
    from flake8_celery_tasks.server.text import Span

hookimpl: Final = pluggy.HookimplMarker("pylsp")

#: The plugin's name in the settings of python-lsp-server.
NAME: Final = "flake8_celery_tasks"

#: The protocol's numbers for kinds of completions and of diagnostics.
_KINDS: Final = {completion.NAME: 3, completion.PARAMETER: 6, completion.OPTION: 10, completion.SETTING: 10}


class _Table:
    """The desk of this process: one request after the other, whichever thread asks."""

    def __init__(self) -> None:
        self.desk = Desk(lambda _: None)
        self.lock = threading.RLock()
        self._texts: dict[str, Text] = {}

    def buffer(self, document: Any) -> Buffer:
        known = self._texts.get(document.uri)
        if known is None or known.text != document.source:
            known = self._texts[document.uri] = Text(document.source)
        return Buffer(document.uri, os.path.abspath(document.path), known, document.version)

    def take(self, config: Any, workspace: Any, document: Any) -> tuple[Buffer, dict[str, Buffer]]:
        """Update the open files and settings; return the file in question, and all open ones."""
        given = {
            key: value for key, value in config.plugin_settings(NAME).items() if key not in ("enabled", DIAGNOSTICS)
        }
        wanted, _ = settings.read(given)
        folders = [os.path.abspath(workspace.root_path)]
        if wanted != self.desk.settings or folders != self.desk.workspace:
            self.desk.configure(wanted, folders)
        buffers = [self.buffer(one) for one in list(workspace.documents.values()) if hasattr(one, "source")]
        self._texts = {one.uri: one.text for one in buffers}
        buffer = self.buffer(document)
        return buffer, {one.path: one for one in (*buffers, buffer)}

    def sight(self, config: Any, workspace: Any, document: Any) -> tuple[Sight | None, Buffer]:
        buffer, buffers = self.take(config, workspace, document)
        return self.desk.sight(buffer.path, buffers), buffer


_table: Final = _Table()

_log: Final = logging.getLogger(__name__)

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def _alone(hook: Callable[_Given, _Answer]) -> Callable[_Given, _Answer | None]:
    """Let a hook answer nothing where the linter fails: python-lsp-server would drop what other plugins answer."""

    @wraps(hook)
    def ask(*given: _Given.args, **named: _Given.kwargs) -> _Answer | None:
        with _table.lock:
            try:
                return hook(*given, **named)
            except Exception as error:
                _table.desk.unwanted()
                _table.desk.crashed(f"{hook.__name__}: {type(error).__name__}: {error}")
                return None
            finally:
                for message in _table.desk.recover():
                    _log.warning("%s", message)

    return ask


#: The setting that makes us provide the diagnostics.
DIAGNOSTICS: Final = "diagnostics"


def _offset(buffer: Buffer, position: dict[str, int]) -> int:
    return buffer.text.offset(Place(position["line"], position["character"]))


def _range(text: Text, start: int, end: int) -> dict[str, dict[str, int]]:
    (line, column), (end_line, end_column) = text.place(start), text.place(end)
    return {
        "start": {"line": line, "character": column},
        "end": {"line": end_line, "character": end_column},
    }


def _locations(sight: Sight, workspace: Any, spans: Iterable[Span]) -> list[dict[str, Any]]:
    from pathlib import Path

    opened = {os.path.abspath(one.path): uri for uri, one in workspace.documents.items() if getattr(one, "path", None)}
    found = []
    for span in spans:
        text = sight.text(span.path)
        if text is not None:
            uri = opened.get(span.path) or Path(span.path).as_uri()
            found.append({"uri": uri, "range": _range(text, span.start, span.end)})
    return found


@hookimpl
def pylsp_settings() -> dict[str, Any]:
    """Return the available settings with their defaults."""
    return {"plugins": {NAME: {"enabled": True, DIAGNOSTICS: False, "unsafeFixes": True}}}


@hookimpl
@_alone
def pylsp_document_did_save(config: Any, workspace: Any, document: Any) -> None:  # noqa: ARG001
    """Handle files that have changed on disk."""
    _table.desk.forget()


@hookimpl
@_alone
def pylsp_document_did_open(config: Any, workspace: Any, document: Any) -> None:  # noqa: ARG001
    """Handle files that may have changed on disk."""
    _table.desk.forget()


@hookimpl(tryfirst=True)
@_alone
def pylsp_hover(config: Any, workspace: Any, document: Any, position: dict[str, int]) -> dict[str, Any] | None:
    """Return the description at a position; None leaves it to others."""
    sight, buffer = _table.sight(config, workspace, document)
    found = None if sight is None else hover.hover(sight, buffer, _offset(buffer, position))
    if found is None:
        return None
    content = {"kind": "markdown", "value": found.markdown}
    return {"contents": content, "range": _range(buffer.text, found.span.start, found.span.end)}


@hookimpl
@_alone
def pylsp_definitions(
    config: Any, workspace: Any, document: Any, position: dict[str, int]
) -> list[dict[str, Any]] | None:
    """Return the definitions of the task at a position."""
    sight, buffer = _table.sight(config, workspace, document)
    if sight is None:
        return None
    return _locations(sight, workspace, places.definition(sight, buffer, _offset(buffer, position)))


@hookimpl
@_alone
def pylsp_references(
    config: Any, workspace: Any, document: Any, position: dict[str, int], exclude_declaration: bool
) -> list[dict[str, Any]] | None:
    """Return all uses of the task at a position."""
    sight, buffer = _table.sight(config, workspace, document)
    if sight is None:
        return None
    offset = _offset(buffer, position)
    found = places.references(sight, buffer, offset, with_definition=not exclude_declaration)
    return _locations(sight, workspace, found)


@hookimpl
@_alone
def pylsp_completions(
    config: Any, workspace: Any, document: Any, position: dict[str, int]
) -> list[dict[str, Any]] | None:
    """Return the completions at a position."""
    sight, buffer = _table.sight(config, workspace, document)
    if sight is None:
        return None
    return [
        {
            "label": one.label,
            "kind": _KINDS[one.kind],
            "detail": one.detail,
            "documentation": {"kind": "markdown", "value": one.documentation},
            "filterText": one.text,
            "textEdit": {"range": _range(buffer.text, one.start, one.end), "newText": one.text},
        }
        for one in completion.completion(sight, buffer, _offset(buffer, position))
    ]


@hookimpl
@_alone
def pylsp_code_actions(
    config: Any,
    workspace: Any,
    document: Any,
    range: dict[str, Any],  # noqa: A002
    context: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return the fixes of the findings in a range, and actions that silence them."""
    only = context.get("only")
    if only and not any("quickfix".startswith(kind) for kind in only):
        return []
    buffer, buffers = _table.take(config, workspace, document)
    sight = _table.desk.sight(buffer.path, buffers)
    first, last = _offset(buffer, range["start"]), _offset(buffer, range["end"])
    found = [
        one
        for one in diagnosis.problems(_table.desk, buffer, buffers, _table.desk.crashed)
        if one.start <= last and first <= one.end
    ]
    if sight is None or not found:
        return []
    offered = actions.fixes(sight, buffer, found, unsafe=_table.desk.settings.unsafe_fixes)
    return [
        {
            "title": action.title,
            "kind": "quickfix",
            "diagnostics": [_diagnostic(buffer, action.problem)],
            **({"isPreferred": True} if action.preferred else {}),
            "edit": {"documentChanges": [_document_edit(buffer, action.edits)]},
        }
        for action in (*offered, *actions.silenced(buffer, found))
    ]


def _document_edit(buffer: Buffer, edits: Iterable[Edit]) -> dict[str, Any]:
    return {
        "textDocument": {"uri": buffer.uri, "version": buffer.version},
        "edits": [{"range": _range(buffer.text, edit.start, edit.end), "newText": edit.text} for edit in edits],
    }


def _diagnostic(buffer: Buffer, problem: Problem) -> dict[str, Any]:
    return {
        "source": diagnosis.SOURCE,
        "range": _range(buffer.text, problem.start, problem.end),
        "message": problem.message,
        "code": problem.code,
        "severity": _table.desk.settings.severity_of(problem.code),
        **({"codeDescription": {"href": problem.link}} if problem.link else {}),
    }


@hookimpl
@_alone
def pylsp_lint(config: Any, workspace: Any, document: Any, is_saved: bool) -> list[dict[str, Any]]:  # noqa: ARG001
    """Return the diagnostics of a file, if we are to provide them and the plugin for flake8 does not show them."""
    if not config.plugin_settings(NAME).get(DIAGNOSTICS) or _flake8_shows_them(config):
        return []
    buffer, buffers = _table.take(config, workspace, document)
    return [_diagnostic(buffer, one) for one in diagnosis.problems(_table.desk, buffer, buffers, _table.desk.crashed)]


def _flake8_shows_them(config: Any) -> bool:
    theirs = config.plugin_settings("flake8")
    left_out = [code for key in ("ignore", "extendIgnore") for code in theirs.get(key) or ()]
    return bool(theirs.get("enabled")) and PREFIX not in left_out
