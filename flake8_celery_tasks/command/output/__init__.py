"""What the command says: the report, messages, and the last line."""
