"""What the files of packaging tools say of the Celery that a project wants: which files, and what is in them."""
