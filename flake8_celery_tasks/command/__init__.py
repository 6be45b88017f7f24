"""The command line: subcommands, and the processes that they run in."""
