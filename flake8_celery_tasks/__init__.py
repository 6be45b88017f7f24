"""A flake8 plugin that finds the silent mistakes in Celery tasks and in the calls to them."""

__version__ = "0.1.0"
