"""Requests about positions: hover, definition, references, completion, rename, symbols, lenses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from flake8_celery_tasks.server.answers import completion, hover, places, rename
from flake8_celery_tasks.server.lsp.documents import offset
from flake8_celery_tasks.server.lsp.protocol import CONTENT_MODIFIED, REQUEST_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flake8_celery_tasks.edits.edit import Edit
    from flake8_celery_tasks.server.desk import Buffer, Sight
    from flake8_celery_tasks.server.lsp.app import Server
    from flake8_celery_tasks.server.text import Span

#: The protocol's kinds of completions.
_KINDS: Final = {
    completion.NAME: types.CompletionItemKind.Function,
    completion.PARAMETER: types.CompletionItemKind.Variable,
    completion.OPTION: types.CompletionItemKind.Property,
    completion.SETTING: types.CompletionItemKind.Property,
}

#: What Markdown adds to text.
_MARKS: Final = re.compile(r"\*\*(\w+)\*\*|`([^`\n]+)`")


def register(server: Server) -> None:
    """Register the handlers for requests about positions with a server."""
    _hover(server)
    _places(server)
    _completion(server)
    _rename(server)
    _lists(server)


def _hover(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def ask_hover(params: types.HoverParams) -> types.Hover | None:
        def answer(sight: Sight, buffer: Buffer) -> types.Hover | None:
            found = hover.hover(sight, buffer, offset(buffer, params.position))
            if found is None:
                return None
            content = _markup(found.markdown, plain="hover" in server.plain)
            return types.Hover(content, server.documents.range(buffer.text, found.span.start, found.span.end))

        return await server.about(params.text_document.uri, answer)


def _markup(markdown: str, *, plain: bool) -> types.MarkupContent:
    """Return Markdown as it is, or as text where the client can't show it."""
    if not plain:
        return types.MarkupContent(types.MarkupKind.Markdown, markdown)
    parts = markdown.split("```")
    parts[::2] = [_MARKS.sub(lambda found: found[1] or found[2], part) for part in parts[::2]]
    parts[1::2] = [part.removeprefix("python").strip("\n") for part in parts[1::2]]
    return types.MarkupContent(types.MarkupKind.PlainText, "".join(parts))


def _locations(server: Server, sight: Sight, buffer: Buffer, spans: Iterable[Span]) -> list[types.Location]:
    found = [server.documents.location(span, sight, buffer) for span in spans]
    return [one for one in found if one is not None]


def _places(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def ask_definition(params: types.DefinitionParams) -> list[types.Location] | None:
        def answer(sight: Sight, buffer: Buffer) -> list[types.Location]:
            return _locations(server, sight, buffer, places.definition(sight, buffer, offset(buffer, params.position)))

        return await server.about(params.text_document.uri, answer)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def ask_references(params: types.ReferenceParams) -> list[types.Location] | None:
        def answer(sight: Sight, buffer: Buffer) -> list[types.Location]:
            own = params.context.include_declaration
            found = places.references(sight, buffer, offset(buffer, params.position), with_definition=own)
            return _locations(server, sight, buffer, found)

        return await server.about(params.text_document.uri, answer)


def _completion(server: Server) -> None:
    options = types.CompletionOptions(trigger_characters=['"', "'", ".", "(", ","])

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def ask_completion(params: types.CompletionParams) -> list[types.CompletionItem] | None:
        def answer(sight: Sight, buffer: Buffer) -> list[types.CompletionItem]:
            found = completion.completion(sight, buffer, offset(buffer, params.position))
            return [_item(server, buffer, one) for one in found]

        return await server.about(params.text_document.uri, answer)


def _item(server: Server, buffer: Buffer, one: completion.Item) -> types.CompletionItem:
    return types.CompletionItem(
        label=one.label,
        kind=_KINDS[one.kind],
        detail=one.detail or None,
        documentation=_markup(one.documentation, plain="completion" in server.plain),
        filter_text=one.text,
        text_edit=types.TextEdit(server.documents.range(buffer.text, one.start, one.end), one.text),
    )


def _rename(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        def answer(sight: Sight, buffer: Buffer) -> types.PrepareRenamePlaceholder:
            try:
                found = rename.renamable(sight, buffer, offset(buffer, params.position))
            except rename.Refused as refused:
                raise JsonRpcException(str(refused), REQUEST_FAILED) from None
            return types.PrepareRenamePlaceholder(
                server.documents.range(buffer.text, found.span.start, found.span.end), found.name
            )

        return await server.about(params.text_document.uri, answer)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def ask_rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        def answer(sight: Sight, buffer: Buffer) -> types.WorkspaceEdit:
            try:
                found = rename.renaming(sight, buffer, offset(buffer, params.position), params.new_name)
            except rename.Refused as refused:
                raise JsonRpcException(str(refused), REQUEST_FAILED) from None
            return _renamed(server, sight, buffer, found)

        edit = await server.about(params.text_document.uri, answer)
        if edit is not None and edit.change_annotations is None:  # the client does not ask
            server.warn(rename.WARNING)
        return edit


def _renamed(server: Server, sight: Sight, buffer: Buffer, found: dict[str, list[Edit]]) -> types.WorkspaceEdit:
    """Return a rename as the client applies it. Raises JsonRpcException: an incomplete one would break the project."""
    edits = {}
    for path, some in found.items():
        text = sight.text(path, server.documents.encoding)
        if text is None:  # it is gone by now
            raise JsonRpcException(f"{path} can't be read", REQUEST_FAILED)
        known = server.documents.open.get(server.documents.uri(path, buffer))
        if known is not None and known.text.text != text.text:
            raise JsonRpcException(f"{path} has changed in the meantime", CONTENT_MODIFIED)
        edits[path] = server.documents.text_edits(text, some)
    return server.documents.workspace_edit(edits, buffer, rename.WARNING)


def _lists(server: Server) -> None:
    @server.feature(types.WORKSPACE_SYMBOL)
    async def ask_symbols(params: types.WorkspaceSymbolParams) -> list[types.SymbolInformation] | None:
        found: dict[tuple[str, str, int, int], types.SymbolInformation] = {}
        for sight in await server.ask(server.sights) or []:
            for one in await server.ask(_symbols, server, sight, params.query) or []:
                start = one.location.range.start
                found[one.name, one.location.uri, start.line, start.character] = one
        return list(found.values())

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def ask_lenses(params: types.CodeLensParams) -> list[types.CodeLens] | None:
        def answer(sight: Sight, buffer: Buffer) -> list[types.CodeLens]:
            return [
                types.CodeLens(
                    server.documents.range(buffer.text, lens.span.start, lens.span.end),
                    command=types.Command(title=lens.title, command=""),
                )
                for lens in places.lenses(sight, buffer)
            ]

        return await server.about(params.text_document.uri, answer) if server.desk.settings.code_lens else None


def _symbols(server: Server, sight: Sight, query: str) -> list[types.SymbolInformation]:
    found = []
    with sight.home.entered():
        for one in places.symbols(sight, query):
            location = server.documents.location(one.span, sight)
            kind = types.SymbolKind.Class if one.is_class else types.SymbolKind.Function
            if location is not None:
                found.append(types.SymbolInformation(location, one.name, kind, container_name=one.container or None))
    return found
