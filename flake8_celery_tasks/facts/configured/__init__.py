"""Settings and Celery beat schedules that the file being checked configures."""
