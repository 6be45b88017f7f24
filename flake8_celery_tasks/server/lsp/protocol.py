"""The protocol of pygls, plus what that lacks: a response to every request, an exit code, quiet errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol, lsp_method

from flake8_celery_tasks.server.text import UTF16

if TYPE_CHECKING:
    from collections.abc import Generator

#: The protocol's error codes.
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602
NOT_INITIALIZED: Final = -32002
REQUEST_FAILED: Final = -32803
CONTENT_MODIFIED: Final = -32801

#: What a request is answered with that is valid, but can't be done.
REFUSALS: Final = frozenset({REQUEST_FAILED, CONTENT_MODIFIED})


class Protocol(LanguageServerProtocol):
    """Answers requests that are invalid, too early or too late; the server keeps its own documents."""

    exit_code = 1  # if the client leaves silently

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message, or None for an invalid one: if it is a request, it is answered."""
        try:
            return super().structure_message(data)
        except Exception as error:
            if "id" in data and "method" in data:
                self._refuse(data["id"], INVALID_PARAMS, f"invalid parameters of {data['method']}")
            else:
                self._server.report_server_error(error, type(error))  # type: ignore[arg-type]
            return None

    def handle_message(self, message: Any) -> None:
        """Handle a message."""
        method, number = getattr(message, "method", None), getattr(message, "id", None)
        if not hasattr(message, "jsonrpc"):
            return
        if method is not None and number is not None:
            if self._shutdown:
                self._refuse(number, INVALID_REQUEST, "the server is shutting down")
                return
            if self._workspace is None and method != types.INITIALIZE:
                self._refuse(number, NOT_INITIALIZED, "the server is not initialized")
                return
            if self._workspace is not None and method == types.INITIALIZE:
                self._refuse(number, INVALID_REQUEST, "the server is initialized already")
                return
        elif method is not None and self._workspace is None and method != types.EXIT:
            return
        super().handle_message(message)

    def _refuse(self, number: Any, code: int, message: str) -> None:
        self._send_response(number, error=types.ResponseError(code=code, message=message))

    def units(self) -> str:
        """Return the units of the client's columns."""
        chosen = self.workspace.position_encoding or UTF16
        return str(getattr(chosen, "value", chosen))

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> Generator[Any, Any, None]:
        """Exit with the right code: pygls swallows it."""
        self.exit_code = 0 if self._shutdown else 1
        yield from super().lsp_exit(*args)

    # The server keeps its own documents: line ends follow the protocol, and unknown documents are not an error.

    def _forward(self, method: str, params: Any) -> Generator[Any, Any, None]:
        yield self.fm.features[method], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: Any) -> Generator[Any, Any, None]:
        """Forward an opened document."""
        yield from self._forward(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: Any) -> Generator[Any, Any, None]:
        """Forward a changed document."""
        yield from self._forward(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: Any) -> Generator[Any, Any, None]:
        """Forward a closed document."""
        yield from self._forward(types.TEXT_DOCUMENT_DID_CLOSE, params)
