"""What the rules' pages say happens, made to happen in the installed Celery."""
