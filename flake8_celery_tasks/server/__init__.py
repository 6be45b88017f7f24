"""The language server: what editors ask of the tasks of a project."""
