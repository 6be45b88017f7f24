"""A Django project with an admin: what runs in its transaction, and what a task's message leaves before.

Prints a line for each method of an admin class: its name, and whether it runs inside a transaction.
"""

from __future__ import annotations

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="truth",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
django.setup()

from celery import Celery  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from kombu.transport.memory import Channel  # noqa: E402

app = Celery("shop", broker="memory://", set_as_current=False)


@app.task(name="shop_bill")
def bill(pk):
    """A task that is about a row."""


def waiting() -> int:
    """How many messages are in the queue."""
    queue = Channel.queues.get("celery")
    return queue.qsize() if queue else 0


def noted(name: str):
    """A method that sends a task, and says where it runs."""

    def method(self, *args, **kwargs):
        before = waiting()
        bill.delay(1)
        print(name, connection.in_atomic_block, waiting() - before)  # noqa: T201
        return getattr(super(GroupAdmin, self), name)(*args, **kwargs)

    return method


class GroupAdmin(admin.ModelAdmin):
    """An admin class with methods of its own."""


for method_name in (
    "delete_model",
    "delete_queryset",
    "log_addition",
    "log_change",
    "response_add",
    "response_change",
    "response_delete",
    "response_post_save_add",
    "response_post_save_change",
    "save_form",
    "save_formset",
    "save_model",
    "save_related",
):
    setattr(GroupAdmin, method_name, noted(method_name))


class MembersInline(admin.TabularInline):
    """A formset."""

    model = User.groups.through


GroupAdmin.inlines = [MembersInline]
admin.site.unregister(Group)
admin.site.register(Group, GroupAdmin)
urlpatterns = [path("admin/", admin.site.urls)]

call_command("migrate", verbosity=0)
client = Client()
client.force_login(User.objects.create_superuser("admin", "admin@example.com", "admin"))
FORMSET = {"User_groups-TOTAL_FORMS": "0", "User_groups-INITIAL_FORMS": "0"}
for url, data in (
    ("add/", {"name": "one", **FORMSET}),
    ("1/change/", {"name": "two", **FORMSET}),
    ("1/delete/", {"post": "yes"}),
    ("add/", {"name": "three", **FORMSET}),
    ("", {"action": "delete_selected", "_selected_action": "2", "post": "yes"}),
):
    answer = client.post(f"/admin/auth/group/{url}", data)
    assert answer.status_code == 302, answer.content
