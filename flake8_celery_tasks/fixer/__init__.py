"""Applies fixes, verifies them and writes the files."""
