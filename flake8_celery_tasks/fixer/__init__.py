"""Fixes are applied, proven and written."""
