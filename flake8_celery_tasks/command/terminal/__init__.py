"""Features for terminals only: the progress display and shell completion."""
