"""The command line: its subcommands and the processes they run in."""
