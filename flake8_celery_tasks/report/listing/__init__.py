"""The output of the task listing: which tasks, which columns, and the formats that need more than plain text."""
