"""8xx: crontabs, beat schedules and settings."""
