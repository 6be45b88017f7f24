"""What tests of the formats share."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from tests.helpers import PROJECT, without_summary, write

TWINS = """\
from content.tasks import index


def view():
    index()


class View:
    def get(self):
        from content.tasks import index
        index.delay(1)

    def put(self):
        from content.tasks import index
        index.delay(1)
        from content.tasks import index as other
        other.delay(1)
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, {**PROJECT, "shop/twins.py": TWINS})
    (tmp_path / "shop/broken.py").write_text("import celery\ndef (:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    return tmp_path


@pytest.fixture
def rendered(capfd):
    def run(form, *arguments):
        session.forget()
        capfd.readouterr()
        main(["check", f"--output-format={form}", *arguments])
        out, err = capfd.readouterr()
        told = without_summary(err)
        assert not told or "shop/broken.py: what it defines is unknown" in told
        return out

    return run


@pytest.fixture
def read(rendered):
    return lambda form, *arguments: json.loads(rendered(form, *arguments))
