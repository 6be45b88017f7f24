"""Fixes of binding and retries."""

from __future__ import annotations

import pytest

from tests.fixing import fix_one, task

# Binding.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@shared_task(bind=True)\ndef add(self):", "@shared_task\ndef add():"),
        ("@shared_task(bind=True,)\ndef add(self, x):", "@shared_task\ndef add(x):"),
        (
            "@shared_task(\n    bind=True,\n    queue='q',\n)\ndef add(\n    self,\n    x,\n):",
            "@shared_task(\n    queue='q',\n)\ndef add(\n    x,\n):",
        ),
        ("@shared_task(queue='q', bind=True)\ndef add(self, *args):", "@shared_task(queue='q')\ndef add(*args):"),
        ("@shared_task(queue='q', bind=(True))\ndef add(self=None, x=1):", "@shared_task(queue='q')\ndef add(x=1):"),
        ("@shared_task(bind=True, queue='q')\ndef add(self,):", "@shared_task(queue='q')\ndef add():"),
        ("@shared_task(bind=True, queue='q')\ndef add(*args):", "@shared_task(queue='q')\ndef add(*args):"),
        ("@shared_task(bind=True)\ndef add(\n    self,\n):", "@shared_task\ndef add():"),
        ("@shared_task(bind=True)\ndef add(\n    self\n):", "@shared_task\ndef add():"),
        ("@shared_task(  # why\n    bind=True\n)\ndef add(self):", "@shared_task  # why\ndef add():"),
        ("@shared_task(bind=True, queue='q')\ndef add(self, /, x):", "@shared_task(queue='q')\ndef add(x):"),
        (
            "@shared_task(bind=True, queue='q')\ndef add(\n    self,  # the task\n    x,\n):",
            "@shared_task(queue='q')\ndef add(\n    # the task\n    x,\n):",
        ),
        ("@shared_task(bind=True)\ndef add(  # x\n    self,\n):", "@shared_task\ndef add(  # x\n):"),
    ],
)
def test_binding_goes(before, after, tmp_path):
    text = task(f"{before}\n    return 1\n")
    assert fix_one(tmp_path, text, "CLY201") == task(f"{after}\n    return 1\n")


@pytest.mark.parametrize(
    "text",
    [
        "@shared_task(bind=True, queue='q')\ndef add(self, x):\n    del self\n    return x\n",
    ],
)
def test_binding_that_stays(text, tmp_path):
    assert fix_one(tmp_path, task(text), "CLY201") == task(text)


def test_binding_that_is_used_stays(tmp_path):
    text = task("@shared_task(bind=True)\ndef add(self):\n    return self.name\n")
    assert fix_one(tmp_path, text, "CLY201", celery_bind_requires_retry="true") == text


def test_binding_goes_where_there_is_no_parameter(tmp_path):
    text = task("@shared_task(bind=True)\ndef add(url):\n    return url\n")
    assert fix_one(tmp_path, text, "CLY201") == task("@shared_task\ndef add(url):\n    return url\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def add():", "def add(self):"),
        ("def add(url, depth=1):", "def add(self, url, depth=1):"),
        ("def add(\n    url,\n    depth,\n):", "def add(\n    self,\n    url,\n    depth,\n):"),
        ("def add(\n    url\n):", "def add(\n    self,\n    url\n):"),
    ],
)
def test_self_comes(before, after, tmp_path):
    text = task(f"@shared_task(bind=True, max_retries=3)\n{before}\n    return 1\n")
    expected = task(f"@shared_task(bind=True, max_retries=3)\n{after}\n    return 1\n")
    assert fix_one(tmp_path, text, "CLY202") == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@shared_task", "@shared_task(bind=True)"),
        ("@shared_task(name='a', queue='q')", "@shared_task(name='a', bind=True, queue='q')"),
        ("@shared_task(name='a')", "@shared_task(name='a', bind=True)"),
        ("@shared_task(bind=False)", "@shared_task(bind=True)"),
        ("@shared_task(queue='q')", "@shared_task(bind=True, queue='q')"),
        ("@shared_task(\n    name='a'\n)", "@shared_task(\n    name='a',\n    bind=True\n)"),
        ("@shared_task(\n    name=('a'),\n)", "@shared_task(\n    name=('a'),\n    bind=True,\n)"),
    ],
)
def test_bind_comes(before, after, tmp_path):
    body = "def add(self, x):\n    return self.name\n"
    assert fix_one(tmp_path, task(f"{before}\n{body}"), "CLY203") == task(f"{after}\n{body}")


@pytest.mark.parametrize(
    "text",
    [
        "OFF = {'bind': False}\n\n\n@shared_task(**OFF)\ndef add(self, x):\n    return x\n",
        "def job(queue):\n    return shared_task(queue=queue)\n\n\n@job('q')\ndef add(self, x):\n    return x\n",
    ],
)
def test_bind_that_can_not_be_added(text, tmp_path):
    assert fix_one(tmp_path, task(text), "CLY203") == task(text)


# Retries.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("autoretry_for=OSError", "autoretry_for=(OSError,)"),
        ("autoretry_for=(OSError)", "autoretry_for=(OSError,)"),
        ("throws=[OSError]", "throws=(OSError,)"),
        ("throws=[OSError, ]", "throws=(OSError, )"),
        ("throws=[OSError, KeyError]", "throws=(OSError, KeyError)"),
        ("throws='OSError'", "throws='OSError'"),
    ],
)
def test_tuples(before, after, tmp_path):
    text = task(f"@shared_task(name='a', {before})\ndef add(x):\n    return x\n")
    assert fix_one(tmp_path, text, "CLY214", unsafe=False) == text.replace(before, after)


RETRYING = """\
@shared_task(bind=True, max_retries=3)
def add(self, x):
    try:
        return x()
    except OSError as exc:
        raise self.retry({})
"""


@pytest.mark.parametrize(
    ("given", "unsafe", "after"),
    [
        ("exc", False, "exc=exc"),
        ("OSError()", False, "OSError()"),
        ("OSError()", True, "exc=OSError()"),
        ("exc, 10", True, "exc, 10"),
        ("10", True, "10"),
    ],
)
def test_positional_retry(given, unsafe, after, tmp_path):
    text = task(RETRYING.format(given))
    assert fix_one(tmp_path, text, "CLY219", unsafe=unsafe) == task(RETRYING.format(after))
