"""Any text for any option: it is taken and works, or the error says which option does not take it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flake8_celery_tasks.core.options import OptionError, Options, flag_of
from tests.helpers import write
from tests.robustness import harness
from tests.robustness.effort import examples

NAMES = Options._fields

PIECES = (
    *(
        "shop",
        "jobs",
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
        "{x}",
        "{",
        "}",
    ),
    *(
        "tests/",
        "(?P<x>",
        "(",
        ")",
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
        "~",
    ),
)
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.text(max_size=20))
GIVEN = st.dictionaries(st.sampled_from(NAMES), TEXTS, min_size=1, max_size=3)

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
app.conf.task_ack_late = None


def job(**options):
    return app.task(**options)
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    write(folder, PROJECT)
    return folder


def taken(given):
    """Return options, None where a text is refused, with an error that says which."""
    try:
        return Options.of(given)
    except OptionError as error:
        said = str(error)
    assert any(said.startswith(f"argument {flag_of(name)}: invalid value ") for name in given)
    return None


def quoted(text):
    """Return a text as TOML writes it."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


@pytest.mark.parametrize("name", NAMES)
@given(text=TEXTS)
@example(text="")
@example(text="\0")
@examples(25)
def test_a_text_is_taken_or_refused(name, text):
    options = taken({name: text})
    if options is not None:
        assert Options.of({name: getattr(options, name)}) == options, "what is taken is taken again"


@given(given=GIVEN)
@examples(40)
def test_what_is_taken_works(folder, given):
    given.pop("celery_project_root", None)
    options = taken({**given, "celery_no_cache": "true"})
    if options is not None:
        harness.examine(folder, options)


@pytest.mark.usefixtures("_fresh_plugin")
@given(
    given=GIVEN,
    form=st.sampled_from(("arguments", "tox.ini", "pyproject.toml")),
    command=st.sampled_from((("check",), ("fix", "--diff"), ("tasks", "--format=json"))),
)
@examples(40)
def test_the_command_takes_a_text_or_says_which_option_does_not(folder, monkeypatch, given, form, command):
    names = {name: flag_of(name)[2:] for name in given}
    arguments = []
    (folder / "tox.ini").write_text("")
    (folder / "pyproject.toml").write_text("")
    if form == "arguments":
        arguments = [f"--{names[name]}={text}" for name, text in given.items()]
    elif form == "tox.ini":
        lines = [f"{names[name]} = {' '.join(text.split())}\n" for name, text in given.items()]
        (folder / form).write_text("".join(("[flake8]\n", *lines)), encoding="utf-8")
    else:
        lines = [f"{names[name]} = {quoted(text)}\n" for name, text in given.items()]
        (folder / form).write_text("".join(("[tool.flake8-celery-tasks]\n", *lines)), encoding="utf-8")
    monkeypatch.chdir(folder)
    code, _, err = harness.command(*command, "--celery-no-cache=true", *arguments, ".")
    assert code in (0, 1, 2)
    if code == 2:
        assert err.startswith("flake8-celery-tasks: error: ")
        assert any(name in err for name in names.values()), err
