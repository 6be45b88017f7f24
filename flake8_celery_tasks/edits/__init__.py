"""The building blocks of fixes: texts, edits, operations, imports."""
