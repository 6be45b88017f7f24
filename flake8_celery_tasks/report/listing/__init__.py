"""How the tasks of a project are written: which of them, which columns, and each format with more than words."""
