"""What `docs/story.md` shows: the logs of a real worker, and what flake8 prints."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from celery import states

from flake8_celery_tasks.pages import examples
from tests.helpers import ROOT, write

PAGE = ROOT / "docs" / "story.md"
SECTIONS = {section.title: section for section in examples.sections(PAGE.read_text(encoding="utf-8"))}
WRONG, RIGHT = SECTIONS["A task that never fails"], SECTIONS["How to do it right"]


def fence(section, language):
    [found] = [one for one in section.fences if one.language == language]
    return found


def logged(section):
    """Return the lines of a log on the page; there are more where it says `...`."""
    return fence(section, "text").text.splitlines()


class HTTPError(OSError):
    """What `requests` raises, so called."""


@pytest.fixture
def run(lab):
    """Run the task of a section while the mail service is down; return its result and what was logged."""

    def post(url, timeout):
        def raise_for_status():
            raise HTTPError(f"503 Server Error: Service Unavailable for url: {url}")

        return SimpleNamespace(status_code=503, raise_for_status=raise_for_status)

    service = SimpleNamespace(post=post, RequestException=OSError)
    lab.monkeypatch.setitem(sys.modules, "requests", service)

    def run(section):
        result = lab.module(fence(section, "python").text).send_receipt.delay(7)
        lab.work()
        told = [record.getMessage().splitlines()[0] for record in lab.caplog.records]
        of_task = [line for line in told if "shop_send_receipt[" in line or "No receipt" in line]
        of_task = [re.sub(r"\[[0-9a-f-]{36}\]", "[5f0c...]", line) for line in of_task]
        of_task = [re.sub(r"succeeded in [\d.e-]+s", "succeeded in 0.09s", line) for line in of_task]
        return result, [re.sub(r"Retry in \d+s", "Retry in 42s", line) for line in of_task]

    return run


@pytest.mark.truth("CLY217")
def test_the_task_that_never_fails(lab, run):
    result, log = run(WRONG)
    shown = logged(SECTIONS["What happens"])
    assert shown[-1] == "..."
    assert log == shown[:3] * 6
    assert shown[:-1] == shown[:3] * 2
    assert result.state == states.SUCCESS
    assert lab.waits == [60] * 5


@pytest.mark.truth("CLY217")
def test_the_task_that_fails(lab, run):
    result, log = run(RIGHT)
    received, retried, more, failed = logged(RIGHT)
    assert more == "..."
    assert log == [received, retried] * 5 + [received, failed]
    assert result.state == states.FAILURE
    # A wait of none is one of no seconds.
    assert all((wait or 0) <= limit for wait, limit in zip(lab.waits, (60, 120, 240, 480, 600), strict=True))


def flake8(folder, section):
    write(folder, {fence(section, "python").title: fence(section, "python").text})
    return subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "shop"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_what_the_linter_says(tmp_path):
    shown = fence(SECTIONS["What the linter says"], "console").text
    done = flake8(tmp_path, WRONG)
    assert shown == "$ flake8 shop\n" + done.stdout.replace("\\", "/")
    assert " CLY217 " in done.stdout


def test_what_is_right_is_clean(tmp_path):
    done = flake8(tmp_path, RIGHT)
    assert (done.stdout, done.returncode) == ("", 0)
