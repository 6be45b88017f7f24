"""Subcommands that have a module of their own, and the code they share."""
