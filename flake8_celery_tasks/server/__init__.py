"""The language server: answers editors' questions about the tasks of a project."""
