"""Project layouts: packages in any form, modules that import each other in circles, and what is no module at all."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

MARKS: Final = ("pyproject.toml", "setup.cfg", "tox.ini", ".flake8", "manage.py", ".git", "")
FOLDERS: Final = (
    "shop",
    "content",
    "tasks",
    "src",
    "celery",
    "tests",
    "migrations",
    "vendor",
    "models",
    "a",
    "é",
    "x.py",
    "b-c",
)
FILES: Final = (
    *(
        "__init__.py",
        "__init__.py",
        "__init__.py",
        "tasks.py",
        "tasks.py",
        "models.py",
        "apps.py",
        "celery.py",
        "views.py",
    ),
    *(
        "settings.py",
        "__main__.py",
        "conftest.py",
        "a.py",
        "é.py",
        "b-c.py",
        "celeryconfig.py",
        "manage.py",
        "tasks.pyi",
    ),
)
NAMES: Final = ("add", "send", "app", "tasks", "shop", "a", "x", "task", "Base", "shared_task", "*")

DEFINITIONS: Final = (
    "from celery import shared_task\n",
    "from celery import Celery\napp = Celery()\n",
    "from celery import Celery\napp = Celery('x', task_cls='shop.tasks:Base')\n",
    "app.config_from_object('django.conf:settings', namespace='CELERY')\n",
    "app.config_from_object('celeryconfig')\n",
    "app.autodiscover_tasks()\n",
    "@shared_task\ndef add(x):\n    pass\n",
    "@shared_task(name='shop.add', bind=True, queue='x')\ndef send(self):\n    add.delay(1)\n",
    "@app.task(bind=True)\ndef add(y):\n    raise self.retry()\n",
    "@task\ndef send():\n    add.retry()\n",
    "def task(f):\n    return shared_task(f)\n",
    "def task(**k):\n    return app.task(**k)\n",
    "alias = add\n",
    "add = send\nsend = add\n",
    "class Base(Base):\n    abstract = True\n    max_retries = x\n",
    "class T(Base):\n    def run(self):\n        pass\nx = app.register_task(T())\n",
    "add.delay(1, 2)\n",
    "def f():\n    send.apply_async((1,), countdown=x)\n",
    "current_app.send_task('shop.add', args=[1])\n",
    "CELERY_BEAT_SCHEDULE = {'x': {'task': 'shop.tasks.add', 'schedule': 3}}\n",
    "INSTALLED_APPS = ['shop', x]\nCELERY_TASK_ACKS_LATE = x\n",
    "__all__ = ['add', *a.__all__]\n",
    "def __getattr__(name):\n    return 1\n",
    "if TYPE_CHECKING:\n    from shop.tasks import add\n",
    "try:\n    from celery import shared_task\nexcept ImportError:\n    from shop import shared_task\n",
)
CONTENTS: Final = (
    b"",
    b"def (:\n",
    b"\xff\xfe\x00",
    b"# coding: nope\n",
    b"\xef\xbb\xbfimport x\n",
    b"celery\0task\n",
    b"from celery import *\r\n",
)


def make(random: Random, folder: Path) -> None:
    """Make a project below a folder."""
    mark = random.choice(MARKS)
    if mark == ".git":
        (folder / mark).mkdir()
    elif mark:
        (folder / mark).touch()
    folders = [folder]
    for _ in range(random.randint(0, 5)):
        below = random.choice(folders) / random.choice(FOLDERS)
        if not below.exists():
            below.mkdir()
            folders.append(below)
    paths = [random.choice(folders) / random.choice(FILES) for _ in range(random.randint(1, 8))]
    modules = [".".join(path.relative_to(folder).with_suffix("").parts) for path in paths]
    modules += [module.removesuffix(".__init__") for module in modules] + ["celery", "shop.gone", ""]
    for path in paths:
        if not path.is_dir():
            path.write_bytes(_content(random, modules))
    if sys.platform != "win32" and random.random() < 0.3:
        _link(random, folders, paths)


def _content(random: Random, modules: list[str]) -> bytes:
    if random.random() < 0.1:
        return random.choice(CONTENTS)
    lines = []
    for _ in range(random.randint(0, 8)):
        module, name = random.choice(modules), random.choice(NAMES)
        dots = "." * random.randint(1, 4)
        lines.append(
            random.choice(
                (
                    *(f"from {module} import {name}\n", f"import {module}\n", f"import {module} as {name}\n"),
                    *(f"from {dots} import {name}\n", f"from {dots}{module.rpartition('.')[2]} import {name}\n"),
                    *(f"from {module} import *\n", f"def g():\n    from {module} import {name}\n    {name}.delay()\n"),
                    *(f"{name} = {module}.{name}\n", f"{module}.{name}.delay(1)\n"),
                    *(random.choice(DEFINITIONS) for _ in range(12)),
                )
            )
        )
    text = "".join(line for line in lines if "b-c" not in line and " as *" not in line and "*." not in line)
    return text.encode()


def _link(random: Random, folders: list[Path], paths: list[Path]) -> None:
    """Put a link somewhere: to a folder around it, to another module, to itself, to nothing."""
    link = random.choice(folders) / random.choice(("loop", "link.py", "tasks", "tasks.py", "__init__.py"))
    target = random.choice((*folders, *paths, link, link / "gone"))
    if not os.path.lexists(link):
        link.symlink_to(target)
