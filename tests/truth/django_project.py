"""Django with a database in memory, for tests about its transactions."""

from __future__ import annotations

import django
from django.conf import settings

if not settings.configured:
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    django.setup()
