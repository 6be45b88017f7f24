"""Subcommands with a module of their own, and what they share."""
