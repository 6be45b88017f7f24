"""flake8 as a library: its configuration, its files, its decisions and its formats."""
