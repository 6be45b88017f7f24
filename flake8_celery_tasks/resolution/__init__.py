"""Follows names and values across files."""
