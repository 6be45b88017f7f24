"""Loads and runs the rules; caches, compares and lists the findings."""
