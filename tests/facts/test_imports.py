"""Imported names, and those through which tasks are sent."""

from __future__ import annotations

from flake8_celery_tasks.facts.imports import Import, TaskImport
from tests.helpers import facts_of

MAIL = {"mail/tasks.py": "from celery import shared_task\n\n\n@shared_task(name='send')\ndef send(): ...\n"}


def test_imported_names(tmp_path):
    text = "import celery.utils.log as log, os.path\nfrom celery import task as t\nfrom . import mail\n"
    found = facts_of(tmp_path, text).of(Import)
    assert [one.asked for one in found] == ["celery.utils.log", "os.path", "celery.task", "shop.mail"]


def test_imports_through_which_tasks_are_sent(tmp_path):
    text = "from mail import tasks\nfrom mail.tasks import send\n\ntasks.send.delay()\nsend.delay()\n"
    found = list(facts_of(tmp_path, text, MAIL).of(TaskImport))
    assert [(one.binding.name, list(one.sent), one.in_function) for one in found] == [
        ("tasks", ["mail.tasks.send"], False),
        ("send", ["mail.tasks.send"], False),
    ]
    assert not found[0].makes_app
