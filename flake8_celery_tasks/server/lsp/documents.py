"""The client's documents: which are open, and how positions in them are converted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path, uri_scheme

from flake8_celery_tasks.server.desk import UNTITLED, Buffer
from flake8_celery_tasks.server.text import UTF16, Place, Span, Text
from flake8_celery_tasks.workspace.folders import here

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flake8_celery_tasks.edits.edit import Edit
    from flake8_celery_tasks.server.desk import Sight

_PYTHON: Final = "python"


class Documents:
    """The open documents, by address."""

    def __init__(self) -> None:
        self.encoding = UTF16
        self.open: dict[str, Buffer] = {}
        self.folders: list[str] = []
        #: Whether the client accepts edits with versions.
        self.takes_versions = False
        #: Whether the client can ask before it applies edits.
        self.takes_annotations = False

    def opened(self, item: types.TextDocumentItem) -> Buffer | None:
        """Handle an opened document; return None for one that is not ours, such as a notebook cell."""
        path = self._path(item.uri, item.language_id)
        if path is None:
            return None
        self.open[item.uri] = Buffer(item.uri, path, Text(item.text, self.encoding), item.version)
        return self.open[item.uri]

    def _path(self, uri: str, language: str) -> str | None:
        scheme = uri_scheme(uri) or "file"
        if scheme == "untitled" and language == _PYTHON:
            return os.path.join(self.folders[0] if self.folders else here(), UNTITLED)
        return path_of(uri) if scheme == "file" else None

    def changed(self, params: types.DidChangeTextDocumentParams) -> Buffer | None:
        """Apply the changes to a document; return None for one that is not open."""
        buffer = self.open.get(params.text_document.uri)
        if buffer is None:
            return None
        text = buffer.text
        for change in params.content_changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                text = text.edited(_place(change.range.start), _place(change.range.end), change.text)
            else:
                text = Text(change.text, self.encoding)
        self.open[buffer.uri] = buffer._replace(text=text, version=params.text_document.version)
        return self.open[buffer.uri]

    def closed(self, uri: str) -> Buffer | None:
        """Handle a closed document."""
        return self.open.pop(uri, None)

    def held(self, buffer: Buffer | None = None) -> dict[str, Buffer]:
        """Return the open files by path, including a buffer that may not be a file."""
        found = {one.path: one for one in self.open.values() if os.path.basename(one.path) != UNTITLED}
        return found if buffer is None else {**found, buffer.path: buffer}

    # Conversions.

    def range(self, text: Text, start: int, end: int) -> types.Range:
        """Return the protocol's range for a part of a text."""
        return types.Range(position(text, start), position(text, end))

    def location(self, span: Span, sight: Sight, about: Buffer | None = None) -> types.Location | None:
        """Return a location in a file, None if the file can't be read."""
        text = sight.text(span.path, self.encoding)
        if text is None:
            return None
        return types.Location(self.uri(span.path, about), self.range(text, span.start, span.end))

    def uri(self, path: str, about: Buffer | None = None) -> str:
        """Return the address of a file, in the client's spelling if it is open.

        Untitled buffers share one path: `about`, the buffer that the client asks about, tells them apart.
        """
        for buffer in self.open.values() if about is None else (about, *self.open.values()):
            if buffer.path == path:
                return buffer.uri
        return from_fs_path(path) or path

    def workspace_edit(
        self, edits: dict[str, list[types.TextEdit]], about: Buffer, annotation: str = ""
    ) -> types.WorkspaceEdit:
        """Return the edits of some files, by path, with versions; with an annotation, the client asks first.

        `about` is the buffer that the client asks about: its edits fit the text that it has in that version.
        """
        annotated = bool(annotation) and self.takes_versions and self.takes_annotations
        if not self.takes_versions:
            return types.WorkspaceEdit(changes={self.uri(path, about): texts for path, texts in edits.items()})
        found = []
        for path, texts in edits.items():
            uri = self.uri(path, about)
            buffer = about if uri == about.uri else self.open.get(uri)
            version = None if buffer is None else buffer.version
            document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
            kept = (
                [types.AnnotatedTextEdit(annotation, one.range, one.new_text) for one in texts] if annotated else texts
            )
            found.append(types.TextDocumentEdit(document, kept))
        asked = types.ChangeAnnotation(annotation, needs_confirmation=True)
        return types.WorkspaceEdit(
            document_changes=found, change_annotations={annotation: asked} if annotated else None
        )

    def text_edits(self, text: Text, edits: Iterable[Edit]) -> list[types.TextEdit]:
        """Return edits in the protocol's form."""
        return [types.TextEdit(self.range(text, edit.start, edit.end), edit.text) for edit in edits]


def path_of(uri: str) -> str | None:
    """Return the path in a file's address."""
    path = to_fs_path(uri)
    return os.path.normpath(os.path.join(here(), path)) if path else None


def offset(buffer: Buffer, where: types.Position) -> int:
    """Return the offset of a client's position."""
    return buffer.text.offset(_place(where))


def position(text: Text, where: int) -> types.Position:
    """Return the client's position for an offset."""
    line, column = text.place(where)
    return types.Position(line, column)


def _place(where: types.Position) -> Place:
    return Place(where.line, where.character)
