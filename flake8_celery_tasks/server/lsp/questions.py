"""Requests about positions: hover, definition, references, completion, rename, symbols, lenses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from flake8_celery_tasks.server.answers import completion, hover, places, rename
from flake8_celery_tasks.server.lsp.documents import offset

if TYPE_CHECKING:
    from collections.abc import Iterable

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

_REFUSED: Final = -32803  # RequestFailed


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
            content = types.MarkupContent(types.MarkupKind.Markdown, found.markdown)
            return types.Hover(content, server.documents.range(buffer.text, found.span.start, found.span.end))

        return await server.about(params.text_document.uri, answer)


def _locations(server: Server, sight: Sight, spans: Iterable[Span]) -> list[types.Location]:
    found = [server.documents.location(span, sight) for span in spans]
    return [one for one in found if one is not None]


def _places(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def ask_definition(params: types.DefinitionParams) -> list[types.Location] | None:
        def answer(sight: Sight, buffer: Buffer) -> list[types.Location]:
            return _locations(server, sight, places.definition(sight, buffer, offset(buffer, params.position)))

        return await server.about(params.text_document.uri, answer)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def ask_references(params: types.ReferenceParams) -> list[types.Location] | None:
        def answer(sight: Sight, buffer: Buffer) -> list[types.Location]:
            own = params.context.include_declaration
            found = places.references(sight, buffer, offset(buffer, params.position), with_definition=own)
            return _locations(server, sight, found)

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
        documentation=types.MarkupContent(types.MarkupKind.Markdown, one.documentation),
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
                raise JsonRpcException(str(refused), _REFUSED) from None
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
                raise JsonRpcException(str(refused), _REFUSED) from None
            edits = {}
            for path, some in found.items():
                text = sight.text(path, server.documents.encoding)
                if text is None:  # it is gone by now: an incomplete rename would break the project
                    raise JsonRpcException(f"{path} can't be read", _REFUSED)
                edits[path] = server.documents.text_edits(text, some)
            return server.documents.workspace_edit(edits, rename.WARNING)

        return await server.about(params.text_document.uri, answer)


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
