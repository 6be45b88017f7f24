"""What the file at hand configures: settings, and the schedules of Celery beat."""
