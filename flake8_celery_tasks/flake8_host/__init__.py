"""flake8 used as a library: its configuration, file discovery, decisions and formats."""
