"""The protocol as pygls speaks it, without what it leaves open: answers to all requests, an exit code, quiet errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol, lsp_method

from flake8_celery_tasks.server.text import UTF16

if TYPE_CHECKING:
    from collections.abc import Generator

#: Codes of errors, as the protocol counts.
INVALID_REQUEST: Final = -32600
INVALID_PARAMS: Final = -32602
NOT_INITIALIZED: Final = -32002


class Protocol(LanguageServerProtocol):
    """Requests that can't be read, come too early or too late are answered; documents are the server's own."""

    exit_code = 1  # where the client leaves silently

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message, None instead of one that can't be read: a request is answered."""
        try:
            return super().structure_message(data)
        except Exception as error:
            if "id" in data and "method" in data:
                self._refuse(data["id"], INVALID_PARAMS, f"invalid parameters of {data['method']}")
            else:
                self._server.report_server_error(error, type(error))  # type: ignore[arg-type]
            return None

    def handle_message(self, message: Any) -> None:
        """Take a message."""
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
        """End, and say how: pygls swallows the exit code."""
        self.exit_code = 0 if self._shutdown else 1
        yield from super().lsp_exit(*args)

    # The server keeps the documents itself: lines end where the protocol says, and what was never opened is no error.

    def _hand_on(self, method: str, params: Any) -> Generator[Any, Any, None]:
        yield self.fm.features[method], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: Any) -> Generator[Any, Any, None]:
        """Hand on that a document is open."""
        yield from self._hand_on(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: Any) -> Generator[Any, Any, None]:
        """Hand on that a document has changed."""
        yield from self._hand_on(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: Any) -> Generator[Any, Any, None]:
        """Hand on that a document is closed."""
        yield from self._hand_on(types.TEXT_DOCUMENT_DID_CLOSE, params)
