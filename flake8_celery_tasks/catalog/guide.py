"""The sections of the official documentation that the rules' pages link to.

Checked against the documentation of Celery 5.7, built from its source; those of Django and Python against theirs.
"""

from __future__ import annotations

from typing import Final, NamedTuple

CELERY: Final = "https://docs.celeryq.dev/en/stable"


class Page(NamedTuple):
    """A page of documentation: its title, its address, and the titles of its sections by their anchors."""

    title: str
    url: str
    sections: dict[str, str]


class Link(NamedTuple):
    """A section: its title with that of its page, and its full address."""

    title: str
    url: str


#: The pages, by the short names that `Rule.see` uses.
PAGES: Final = {
    "tasks": Page(
        "Tasks",
        f"{CELERY}/userguide/tasks.html",
        {
            "Task.acks_late": "`Task.acks_late`",
            "Task.autoretry_for": "`Task.autoretry_for`",
            "Task.dont_autoretry_for": "`Task.dont_autoretry_for`",
            "Task.ignore_result": "`Task.ignore_result`",
            "Task.max_retries": "`Task.max_retries`",
            "Task.retry_backoff": "`Task.retry_backoff`",
            "Task.retry_backoff_max": "`Task.retry_backoff_max`",
            "Task.retry_jitter": "`Task.retry_jitter`",
            "Task.throws": "`Task.throws`",
            "Task.time_limit": "`Task.time_limit`",
            "Task.track_started": "`Task.track_started`",
            "argument-checking": "Argument checking",
            "automatic-retry-for-known-exceptions": "Automatic retry for known exceptions",
            "avoid-launching-synchronous-subtasks": "Avoid launching synchronous subtasks",
            "basics": "Basics",
            "bound-tasks": "Bound tasks",
            "built-in-states": "Built-in States",
            "changing-the-automatic-naming-behavior": "Changing the automatic naming behavior",
            "custom-states": "Custom states",
            "database-transactions": "Database transactions",
            "how-do-i-import-the-task-decorator": "How do I import the task decorator?",
            "ignore-results-you-don-t-want": "Ignore results you don't want",
            "list-of-options": "List of Options",
            "multiple-decorators": "Multiple decorators",
            "names": "Names",
            "reject": "Reject",
            "retrying": "Retrying",
            "semipredicates": "Semipredicates",
            "state": "State",
            "task-semipred-retry": "Retry",
            "using-a-custom-retry-delay": "Using a custom retry delay",
        },
    ),
    "calling": Page(
        "Calling tasks",
        f"{CELERY}/userguide/calling.html",
        {
            "basics": "Basics",
            "eta-and-countdown": "ETA and Countdown",
            "expiration": "Expiration",
            "linking-callbacks-errbacks": "Linking (callbacks/errbacks)",
            "results-options": "Results options",
            "routing-options": "Routing options",
            "serializers": "Serializers",
        },
    ),
    "canvas": Page(
        "Canvas",
        f"{CELERY}/userguide/canvas.html",
        {
            "callbacks": "Callbacks",
            "chunks": "Chunks",
            "groups": "Groups",
            "immutability": "Immutability",
            "partials": "Partials",
            "signatures": "Signatures",
            "the-primitives": "The Primitives",
        },
    ),
    "workers": Page(
        "Workers",
        f"{CELERY}/userguide/workers.html",
        {
            "rate-limits": "Rate Limits",
            "time-limits": "Time Limits",
        },
    ),
    "periodic": Page(
        "Periodic tasks",
        f"{CELERY}/userguide/periodic-tasks.html",
        {
            "available-fields": "Available Fields",
            "crontab-schedules": "Crontab schedules",
            "entries": "Entries",
            "introduction": "Introduction",
            "time-zones": "Time Zones",
        },
    ),
    "routing": Page(
        "Routing",
        f"{CELERY}/userguide/routing.html",
        {
            "automatic-routing": "Automatic routing",
            "manual-routing": "Manual routing",
            "specifying-task-destination": "Specifying task destination",
        },
    ),
    "signals": Page(
        "Signals",
        f"{CELERY}/userguide/signals.html",
        {
            "basics": "Basics",
            "worker-process-init": "`worker_process_init`",
        },
    ),
    "security": Page(
        "Security",
        f"{CELERY}/userguide/security.html",
        {
            "broker": "Broker",
            "serializers": "Serializers",
        },
    ),
    "concurrency": Page(
        "Concurrency",
        f"{CELERY}/userguide/concurrency/index.html",
        {
            "overview-of-concurrency-options": "Overview of Concurrency Options",
        },
    ),
    "configuration": Page(
        "Configuration",
        f"{CELERY}/userguide/configuration.html",
        {
            "accept-content": "`accept_content`",
            "broker-connection-retry-on-startup": "`broker_connection_retry_on_startup`",
            "broker-url": "`broker_url`",
            "configuration-directives": "Configuration Directives",
            "django-settings-with-a-namespace": "Django settings with a namespace",
            "imports": "`imports`",
            "include": "`include`",
            "new-lowercase-settings": "New lowercase settings",
            "result-backend": "`result_backend`",
            "result-expires": "`result_expires`",
            "task-always-eager": "`task_always_eager`",
            "task-annotations": "`task_annotations`",
            "task-queues": "`task_queues`",
            "task-reject-on-worker-lost": "`task_reject_on_worker_lost`",
            "task-routes": "`task_routes`",
            "worker-prefetch-multiplier": "`worker_prefetch_multiplier`",
        },
    ),
    "faq": Page(
        "Frequently asked questions",
        f"{CELERY}/faq.html",
        {
            "can-i-call-a-task-by-name": "Can I call a task by name?",
            "should-i-use-retry-or-acks-late": "Should I use retry or acks_late?",
            "why-do-workers-delete-tasks-from-the-queue-if-they-re-unable-to-process-them": (
                "Why do workers delete tasks from the queue if they're unable to process them?"
            ),
        },
    ),
    "first-steps": Page(
        "First steps with Django",
        f"{CELERY}/django/first-steps-with-django.html",
        {
            "trigger-tasks-at-the-end-of-the-database-transaction": (
                "Trigger tasks at the end of the database transaction"
            ),
            "using-the-shared-task-decorator": "Using the @shared_task decorator",
        },
    ),
    "redis": Page(
        "Using Redis",
        f"{CELERY}/getting-started/backends-and-brokers/redis.html",
        {
            "visibility-timeout": "Visibility Timeout",
        },
    ),
    "sqs": Page(
        "Using Amazon SQS",
        f"{CELERY}/getting-started/backends-and-brokers/sqs.html",
        {
            "visibility-timeout": "Visibility Timeout",
        },
    ),
    "whatsnew-5.0": Page(
        "What's new in Celery 5.0",
        f"{CELERY}/history/whatsnew-5.0.html",
        {
            "removed-deprecated-modules": "Removed Deprecated Modules",
        },
    ),
    "Task": Page(
        "Reference",
        f"{CELERY}/reference/celery.app.task.html",
        {
            "celery.app.task.Task.apply_async": "`Task.apply_async`",
            "celery.app.task.Task.replace": "`Task.replace`",
            "celery.app.task.Task.retry": "`Task.retry`",
            "celery.app.task.Task.update_state": "`Task.update_state`",
        },
    ),
    "Celery": Page(
        "Reference",
        f"{CELERY}/reference/celery.html",
        {
            "celery.Celery.add_periodic_task": "`Celery.add_periodic_task`",
            "celery.Celery.autodiscover_tasks": "`Celery.autodiscover_tasks`",
            "celery.Celery.register_task": "`Celery.register_task`",
            "celery.Celery.send_task": "`Celery.send_task`",
            "celery.Celery.set_default": "`Celery.set_default`",
        },
    ),
    "DjangoTask": Page(
        "Reference",
        f"{CELERY}/reference/celery.contrib.django.task.html",
        {
            "celery.contrib.django.task.DjangoTask.delay_on_commit": "`DjangoTask.delay_on_commit`",
        },
    ),
    "schedules": Page(
        "Reference",
        f"{CELERY}/reference/celery.schedules.html",
        {
            "celery.schedules.crontab": "`crontab`",
        },
    ),
    "django": Page(
        "Django",
        "https://docs.djangoproject.com/en/stable/topics/db/transactions/",
        {
            "django.db.transaction.atomic": "`transaction.atomic`",
            "django.db.transaction.on_commit": "`transaction.on_commit`",
            "tying-transactions-to-http-requests": "Tying transactions to HTTP requests",
        },
    ),
    "asyncio": Page(
        "Python",
        "https://docs.python.org/3/library/asyncio-runner.html",
        {
            "asyncio.run": "`asyncio.run`",
        },
    ),
    "datetime": Page(
        "Python",
        "https://docs.python.org/3/library/datetime.html",
        {
            "aware-and-naive-objects": "Aware and naive objects",
        },
    ),
    "functools": Page(
        "Python",
        "https://docs.python.org/3/library/functools.html",
        {
            "functools.wraps": "`functools.wraps`",
        },
    ),
}


def link(section: str) -> Link:
    """Return the link to a section, given as a page's short name and an anchor.

    >>> link("tasks#names")
    Link(title='Tasks: Names', url='https://docs.celeryq.dev/en/stable/userguide/tasks.html#names')
    """
    name, _, anchor = section.partition("#")
    page = PAGES[name]
    return Link(f"{page.title}: {page.sections[anchor]}", f"{page.url}#{anchor}")
