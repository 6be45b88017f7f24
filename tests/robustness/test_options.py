"""Any text for any option: it is taken and works, or the error says which option does not take it."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flake8_celery_tasks import cli, project
from flake8_celery_tasks.options import OptionError, Options, flag_of
from tests.helpers import write
from tests.robustness import harness
from tests.robustness.effort import examples

NAMES = [item.name for item in fields(Options)]

PIECES = (
    "shop",
    ".",
    "*",
    "?",
    "[",
    "]",
    "!a",
    ",",
    "\n",
    " ",
    "=",
    "/",
    "\\",
    "{app}",
    "{module}",
    "{",
    "}",
    "(",
    ")",
)
MORE = (
    "tests/",
    "(?P<x>",
    "+",
    "{2,}",
    "|",
    "^",
    "$",
    "5",
    ".4",
    "5.2",
    "99",
    "-1",
    "true",
    "0",
    "redis",
    "é",
    "\0",
    "~",
)

TEXTS = st.one_of(st.lists(st.sampled_from(PIECES + MORE), max_size=8).map("".join), st.text(max_size=20))

PROJECT = {
    "shop/tasks.py": """\
from celery import shared_task
import jobs


@shared_task(bind=True, acks_late=True, once=1)
def add(self, x):
    jobs.charge(x)


@jobs.job(queue="x")
async def bill():
    add.delay(1, 2)
""",
    "shop/test_tasks.py": "from shop.tasks import add\n\nadd.delay(1, 2)\n",
    "jobs.py": """\
from celery import Celery

app = Celery()
app.conf.timezone = None


def job(**options):
    return app.task(**options)
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    write(folder, PROJECT)
    return folder


@pytest.mark.parametrize("name", NAMES)
@examples(50)
@given(text=TEXTS)
@example(text="")
def test_a_text_is_taken_or_refused(folder, name, text):
    try:
        options = Options.of({name: text})
    except OptionError as error:
        told = str(error)
    else:
        told = ""
        assert Options.of({name: getattr(options, name)}) == options, "what is taken is taken again"
    assert not told or told.startswith(f"argument {flag_of(name)}: ")


@examples(20)
@given(given=st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4))
def test_what_is_taken_works(folder, given):
    if "celery_project_root" in given:
        given["celery_project_root"] = str(folder)
    try:
        options = Options.of({**given, "celery_no_cache": True})
    except OptionError:
        return
    harness.examine(folder, options)


@pytest.mark.usefixtures("_fresh_plugin")
@examples(20)
@given(
    given=st.dictionaries(st.sampled_from(NAMES), TEXTS, min_size=1, max_size=2),
    command=st.sampled_from(("check", "fix", "tasks")),
)
def test_on_the_command_line(folder, given, command):
    project.forget()
    arguments = [f"{flag_of(name)}={text}" for name, text in given.items()]
    assert cli.main([command, "--isolated", "--celery-no-cache=true", *arguments, str(folder)]) in (0, 1, 2)
