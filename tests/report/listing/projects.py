"""A project in which all kinds of senders and names are, and names that try to break out of a format."""

from __future__ import annotations

import json

from tests.helpers import write

HOSTILE = (
    '"]; end</script><script>alert(1)</script><img src=x onerror=alert(2)> `%%{init: {}}%%` --> '
    'x\\" #quot; &lt; \u202e\n'
)

FILES = {
    "shop/tasks.py": (
        "from celery import shared_task\n\nfrom content.tasks import index\n\n\n@shared_task(name='shop.send')\n"
        "def send():\n    index.delay()\n    index.delay()\n\n\n"
        f"@shared_task(name={HOSTILE!r})\ndef bad(): ...\n\n\n@shared_task(name=object().x)\ndef odd(): ...\n"
    ),
    "shop/views.py": (
        "from celery import current_app\n\nfrom shop.tasks import bad, send\n\nsend.delay()\nbad.delay()\n"
        "current_app.send_task('crm.call')\ncurrent_app.send_task('content.gone')\n"
    ),
    "content/tasks.py": "from celery import shared_task\n\n\n@shared_task(name='content.index')\ndef index(): ...\n",
    "content/celery.py": (
        "from celery import Celery\n\napp = Celery('content')\n"
        "app.conf.beat_schedule = {'each': {'task': 'content.index', 'schedule': 5}}\n"
    ),
    "loose.py": "from celery import current_app\n\ncurrent_app.send_task('content.index')\n",
    "crm.json": json.dumps({"worker": ["crm.call"]}),
}


def lay_out(folder):
    """Write the project into a folder."""
    write(folder, FILES)
    return folder
