"""The vocabulary of fixes: texts, edits, operations, imports."""
