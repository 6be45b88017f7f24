"""The Celery version that a project's packaging files ask for: finds the files and parses them."""
