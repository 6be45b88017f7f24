"""Which tasks are listed, and with which columns."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.listing import arguments
from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.report.listing import columns
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

FILES = {
    "shop/web/tasks.py": (
        "from celery import shared_task\n\n\n@shared_task(name='b', queue='mail', acks_late=True, max_retries=0,"
        " ignore_result=True)\ndef b(): ...\n\n\n@shared_task(name='A')\ndef a(): ...\n"
    ),
    "content/tasks.py": "from celery import shared_task\n\n\n@shared_task(name='c', queue='bulk')\ndef c(): ...\n",
    "content/views.py": (
        "from content.tasks import c\nfrom celery import current_app\n\nc.delay()\n"
        "current_app.send_task('content.gone')\n"
    ),
}


@pytest.fixture
def names(tmp_path, monkeypatch, capfd):
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)

    def run(*options):
        session.forget()
        assert main(["tasks", "--format=json", *options]) == 0
        return [one["name"] for one in json.loads(capfd.readouterr().out)]

    return run


def test_the_names_of_columns_are_those_of_entries():
    assert arguments.COLUMNS == columns.COLUMNS


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "A b c"),
        (("--app=shop",), "A b"),
        (("--app=shop.web",), "A b"),
        (("--app=sho",), ""),
        (("--app=sh*", "--app=content"), "A b c"),
        (("--queue=mail",), "b"),
        (("--queue=",), "A"),
        (("--queue=[mb]*",), "b c"),
        (("--unanswered",), "A c"),
        (("--unanswered", "--queue=bulk"), "c"),
        (("--sort=name",), "A b c"),
        (("--sort=-name",), "c b A"),
        (("--sort=queue",), "A c b"),
        (("--sort=line",), "b c A"),
        (("--sort=-sent-from",), "c b A"),
    ],
)
def test_filters_and_order(names, options, expected):
    assert names(*options) == expected.split()


def test_unknown_names_are_filtered_too(names, capfd):
    for options, is_there in (
        ((), True),
        (("--app=content",), True),
        (("--app=shop",), False),
        (("--queue=bulk",), False),
    ):
        main(["tasks", "--format=dot", *options])
        assert ("content.gone" in capfd.readouterr().out) == is_there


def test_columns(names, capfd):
    main(["tasks", "--columns=queue, Name,time-limit"])
    assert capfd.readouterr().out.splitlines()[0].split("  ")[0] == "Queue"
    main(["tasks", "--columns=name,line,path", "--format=markdown"])
    assert capfd.readouterr().out.splitlines()[2] == "| A | shop/web/tasks.py:9 |"
    main(["tasks", "--columns=sent_from", "--format=markdown"])
    assert capfd.readouterr().out.splitlines()[4] == "| content/views.py:4 |"
    main(["tasks", "--columns=line,name", "--format=csv"])
    assert capfd.readouterr().out.splitlines()[:2] == ["line,name", "9,A"]
    main(["tasks", "--columns=line,name", "--format=json"])
    assert json.loads(capfd.readouterr().out)[0] == {"line": 9, "name": "A"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--columns=nam"], "argument --columns: there is no column 'nam', did you mean name?"),
        (["--columns=zzz"], "argument --columns: there is no column 'zzz', expected one of name, path"),
        (["--columns=,"], "argument --columns: expected names of columns: name, path"),
        (["--sort=-quee"], "argument --sort: there is no column 'quee', did you mean queue?"),
        (["--columns=name", "--format=html"], "argument --columns: does not apply to --format html"),
    ],
)
def test_what_is_no_column(names, capfd, options, said):
    assert main(["tasks", *options]) == 2
    assert said in capfd.readouterr().err
