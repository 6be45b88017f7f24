"""What is Celery's in a project: apps, decorators, tasks, settings, brokers, versions."""
