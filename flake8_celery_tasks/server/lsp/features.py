"""The requests about files, with their handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types

from flake8_celery_tasks.server import actions, diagnosis
from flake8_celery_tasks.server.lsp import questions
from flake8_celery_tasks.server.lsp.documents import offset

if TYPE_CHECKING:
    from flake8_celery_tasks.server.actions import Action
    from flake8_celery_tasks.server.desk import Buffer, Sight
    from flake8_celery_tasks.server.diagnosis import Problem
    from flake8_celery_tasks.server.lsp.app import Server

#: The kind of the action that applies all safe fixes.
FIX_ALL: Final = "source.fixAll.celery"


def register(server: Server) -> None:
    """Register all request handlers with a server."""
    _diagnostics(server)
    _actions(server)
    questions.register(server)


def _diagnostics(server: Server) -> None:
    options = types.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier=diagnosis.SOURCE
    )

    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)
    async def diagnostic(params: types.DocumentDiagnosticParams) -> types.RelatedFullDocumentDiagnosticReport:
        buffer = server.documents.open.get(params.text_document.uri)
        found = None if buffer is None else await server.diagnose(buffer)
        server.pulled()
        return types.RelatedFullDocumentDiagnosticReport(items=found or [])


# Code actions.


def _actions(server: Server) -> None:
    kinds: list[types.CodeActionKind | str] = [types.CodeActionKind.QuickFix, FIX_ALL]

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=kinds))
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return (
            await server.about(params.text_document.uri, lambda sight, buffer: _acts(server, sight, buffer, params))
            or []
        )


def _acts(server: Server, sight: Sight, buffer: Buffer, params: types.CodeActionParams) -> list[types.CodeAction]:
    only = params.context.only
    found: list[types.CodeAction] = []
    safe = False
    if _is_asked(types.CodeActionKind.QuickFix.value, only):
        first, last = sorted((offset(buffer, params.range.start), offset(buffer, params.range.end)))
        problems = [
            one
            for one in server.problems(buffer, server.documents.held(buffer))
            if one.start <= last and first <= one.end
        ]
        offered = actions.fixes(sight, buffer, problems, unsafe=server.desk.settings.unsafe_fixes) if problems else []
        safe = any(action.preferred for action in offered)
        found += [
            _code_action(server, buffer, action, params.context.diagnostics)
            for action in (*offered, *actions.silenced(buffer, problems))
        ]
    if _is_asked(FIX_ALL, only) if only is not None else safe:
        edits = actions.fix_all(sight, buffer)
        if edits:
            texts = server.documents.text_edits(buffer.text, edits)
            edit = server.documents.workspace_edit({buffer.path: texts}, buffer)
            found.append(types.CodeAction("Fix all safe Celery findings", kind=FIX_ALL, edit=edit))
    return found


def _is_asked(kind: str, only: object) -> bool:
    """Return whether a kind is one of the requested ones, or a sub-kind of one."""
    if not isinstance(only, (list, tuple)):
        return True
    asked = [str(getattr(one, "value", one)) for one in only]
    return any(f"{kind}.".startswith(f"{one}." if one else "") for one in asked)


def _code_action(server: Server, buffer: Buffer, action: Action, known: object) -> types.CodeAction:
    documents = server.documents
    return types.CodeAction(
        title=action.title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[_meant(server, buffer, action.problem, known)],
        is_preferred=True if action.preferred else None,
        edit=documents.workspace_edit({buffer.path: documents.text_edits(buffer.text, action.edits)}, buffer),
    )


def _meant(server: Server, buffer: Buffer, problem: Problem, known: object) -> types.Diagnostic:
    """Return the client's own diagnostic for a finding, or else ours."""
    ours = server.diagnostic(buffer, problem)
    for one in known if isinstance(known, (list, tuple)) else ():
        if one.code == ours.code and one.range == ours.range:
            found: types.Diagnostic = one
            return found
    return ours
