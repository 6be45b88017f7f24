"""The Celery parts of a project: apps, decorators, tasks, settings, brokers, versions."""
