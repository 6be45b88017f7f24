"""The command's output: the report, the messages and the last line."""
