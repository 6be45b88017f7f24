from celery import Celery

app = Celery("project")
app.config_from_object("project.settings", namespace="CELERY")
app.autodiscover_tasks(["our_api", "content", "billing"])
