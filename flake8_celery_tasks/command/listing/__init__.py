"""The subcommands that list what is known about a project: its tasks and its configuration."""
