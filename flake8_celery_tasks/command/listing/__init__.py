"""The subcommands that tell what is known of a project: its tasks, and its configuration."""
