"""Turns one syntax tree into scopes, symbols and symbolic values."""
