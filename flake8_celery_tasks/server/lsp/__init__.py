"""The LSP side of the server: documents, requests and responses as the client sees them."""
