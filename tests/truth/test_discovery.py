"""814, 518: which modules Celery loads, and which handlers come too late."""

from __future__ import annotations

import importlib
import sys

import pytest
from celery import Celery
from celery.apps.beat import Beat

from tests.helpers import write

FILES = {
    "{top}/__init__.py": "",
    "{top}/tasks/__init__.py": "",
    "{top}/tasks/mails.py": "from celery import shared_task\n@shared_task(name='{top}.remind')\ndef remind(): pass\n",
    "{top}/jobs.py": "from celery import shared_task\n@shared_task(name='{top}.close')\ndef close(): pass\n",
}


@pytest.fixture
def shop(lab, monkeypatch):
    """A package with tasks in `tasks.mails` and `jobs`; its name."""
    top = f"{lab.queue_name.replace('-', '_')}_shop"
    write(lab.tmp_path, {name.format(top=top): text.format(top=top) for name, text in FILES.items()})
    monkeypatch.syspath_prepend(lab.tmp_path)
    importlib.invalidate_caches()
    yield top
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]


def found(lab, top):
    """The tasks of the package that the app knows."""
    lab.app.finalize()
    return sorted(name.removeprefix(f"{top}.") for name in lab.app.tasks if name.startswith(f"{top}."))


@pytest.mark.truth("CLY814")
@pytest.mark.parametrize(
    ("packages", "related", "tasks"),
    [
        ([""], "tasks", []),
        ([".tasks"], "tasks", []),
        ([".tasks.mails"], "tasks", ["remind"]),
        ([".tasks"], "mails", ["remind"]),
        ([".tasks.mail"], "mails", ["remind"]),
        ([".old"], "tasks", []),
        ([".old"], "jobs", ["close"]),
        ([".apps.ShopConfig"], "jobs", None),
        ([""], "jobs", ["close"]),
        ([""], "job", []),
        ([""], "tasks.mails", ["remind"]),
        ([], "jobs", []),
    ],
)
def test_what_autodiscovery_loads(lab, shop, packages, related, tasks):
    """CLY814: a package, and one module in it; in the package above where there is none; nothing is said."""
    names = [shop + name for name in packages]
    if tasks is None:
        with pytest.raises(ModuleNotFoundError, match=r"No module named '\w+\.apps'"):
            lab.app.autodiscover_tasks(names, related_name=related, force=True)
        tasks = []
    else:
        lab.app.autodiscover_tasks(names, related_name=related, force=True)
    assert found(lab, shop) == tasks
    assert lab.log == ""


@pytest.mark.truth("CLY814")
def test_autodiscovery_without_related_name_loads_the_modules(lab, shop):
    """CLY814: without a related name the modules themselves are loaded; up to 5.2 nothing else is either."""
    lab.app.autodiscover_tasks([f"{shop}.jobs"], related_name=None, force=True)
    assert found(lab, shop) == ["close"]


@pytest.mark.truth("CLY814")
def test_autodiscovery_without_packages_finds_nothing_outside_django(lab, shop):
    """CLY814: only a fixup such as Django's says where to look."""
    lab.app.autodiscover_tasks(force=True)
    lab.app.autodiscover_tasks(related_name="jobs", force=True)
    assert found(lab, shop) == []
    assert lab.log == ""


@pytest.mark.truth("CLY814")
def test_a_text_is_gone_through_letter_by_letter(lab, shop):
    """CLY814: a text is taken for a list of names of one letter."""
    with pytest.raises(ModuleNotFoundError, match=f"No module named '{shop[0]}'"):
        lab.app.autodiscover_tasks(shop, force=True)


@pytest.mark.truth("CLY814")
@pytest.mark.parametrize(
    ("name", "tasks"), [("", []), (".tasks", []), (".tasks.mails", ["remind"]), (".jobs", ["close"])]
)
@pytest.mark.parametrize("setting", ["include", "imports"])
@pytest.mark.parametrize("is_text", [False, True])
def test_include_and_imports_load_what_they_name(lab, shop, setting, name, tasks, is_text):
    """CLY814: `include` and `imports` import the modules that they name, no others; a text is one name."""
    given = f"{shop}{name}"
    lab.app.conf[setting] = given if is_text else [given]
    lab.app.loader.import_default_modules()
    assert found(lab, shop) == tasks
    other = Celery("other", set_as_current=False)
    other.conf[setting] = [f"{shop}.missing"]
    with pytest.raises(ModuleNotFoundError, match=r"No module named '\w+\.missing'"):
        other.loader.import_default_modules()


@pytest.mark.truth("CLY814")
def test_include_of_an_app_is_taken_as_text_too(lab, shop):
    """CLY814: so is what the app itself is given."""
    app = Celery("other", include=f"{shop}.jobs", set_as_current=False)
    app.loader.import_default_modules()
    assert f"{shop}.close" in app.tasks


@pytest.mark.truth("CLY518")
@pytest.mark.parametrize(
    ("how", "called"),
    [
        ("app.autodiscover_tasks(['{top}'])", ["on_after_finalize"]),
        ("app.conf.update(include=['{top}.tasks'])", ["on_after_finalize"]),
        ("app.config_from_object({{'imports': ['{top}.tasks']}})", ["on_after_finalize"]),
        ("app.autodiscover_tasks(['{top}'], force=True)", ["on_configure", "on_after_configure", "on_after_finalize"]),
        ("import {top}.tasks", ["on_configure", "on_after_configure", "on_after_finalize"]),
    ],
)
def test_receivers_of_discovered_modules_come_too_late(lab, monkeypatch, how, called):
    """CLY518: beat and workers read the configuration first, and load modules then."""
    top = f"{lab.queue_name.replace('-', '_')}_shop"
    receivers = "".join(
        f"@app.{name}.connect(weak=False)\ndef {name}(**kwargs):\n    app.called.append('{name}')\n"
        for name in ("on_configure", "on_after_configure", "on_after_finalize")
    )
    files = {
        f"{top}/celery.py": "from celery import Celery\napp = Celery('shop', broker='memory://')\n"
        f"app.called = []\napp.config_from_object({{'task_acks_late': True}})\n{how.format(top=top)}\n",
        f"{top}/tasks.py": f"from {top}.celery import app\n{receivers}",
    }
    write(lab.tmp_path, files)
    monkeypatch.syspath_prepend(lab.tmp_path)
    importlib.invalidate_caches()
    app = importlib.import_module(f"{top}.celery").app
    Beat(app=app, schedule=str(lab.tmp_path / "schedule")).init_loader()
    app.finalize()
    assert app.conf.task_acks_late in (True, False)
    assert app.called == called
