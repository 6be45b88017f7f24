"""The page of tasks: one file, no network, and nothing of a project is markup or code."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.core.text import plain
from tests.report.listing.projects import HOSTILE, lay_out

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


@pytest.fixture
def page(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "a<b>&shop"
    folder.mkdir()
    monkeypatch.chdir(lay_out(folder))
    assert main(["tasks", "--format=html", "--celery-known-tasks=crm.json", "--output-file=../page.html"]) == 0
    assert not capfd.readouterr().out
    return tmp_path / "page.html"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_one_file_without_network(page):
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert [attrs for _, attrs in tags.found if {"src", "href"} & attrs.keys()] == []
    assert [tag for tag, _ in tags.found if tag == "script"] == ["script", "script"]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "@import" not in text
    assert "url(" not in text


def test_only_our_own_script_and_style_may_run(page):
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_names_are_data(page):
    text = page.read_text(encoding="utf-8")
    assert "<title>Tasks of a&lt;b&gt;&amp;shop</title>" in text
    assert "alert(1)</script>" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    found = data_of(text)
    assert plain(HOSTILE) in [one["name"] for one in found["tasks"]]
    assert [one["name"] for one in found["unknown"]] == ["content.gone"]


def test_findings_are_with_their_tasks(page):
    found = {one["name"]: one["findings"] for one in data_of(page.read_text(encoding="utf-8"))["tasks"]}
    assert [one["code"] for one in found["shop.send"]] == []
    assert found["crm.call"] == []


def test_a_finding_in_a_definition_and_at_a_sender(tmp_path, monkeypatch):
    from tests.helpers import write

    write(
        tmp_path,
        {
            "shop/tasks.py": (
                "from celery import shared_task\n\n\n@shared_task\ndef a(x):\n    def b():\n        a.delay()\n"
            ),
            "shop/views.py": "from shop.tasks import a\n\na.delay()\n",
        },
    )
    monkeypatch.chdir(tmp_path)
    assert main(["tasks", "--format=html", "--output-file=page.html"]) == 0
    (task,) = data_of((tmp_path / "page.html").read_text(encoding="utf-8"))["tasks"]
    assert sorted({(one["code"], one["path"], one["line"]) for one in task["findings"]}) == [
        ("CLY101", "shop/tasks.py", 4),
        ("CLY601", "shop/tasks.py", 7),
        ("CLY601", "shop/views.py", 3),
    ]


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", ["shop.send", "content.index", "crm.call", "Names that are sent and that no task has", "content.gone"]),
        ("view=picture", ["<svg", "shop/views.py", "beat schedule", "unknown names", "<path"]),
        ("task=1", ["Options", "Sent from", "the task", "<svg"]),
        ("q=index", ["1 of 5 tasks"]),
        ("app=content", ["1 of 5 tasks"]),
        ("open=unsent", ["1 of 5 tasks"]),
        ("open=any&sort=-senders", ["content.index"]),
    ],
)
def test_in_a_browser(page, tmp_path, address, said):
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"{page.as_uri()}#{address}"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "CONSOLE" not in done.stderr
    shown = html.unescape(re.sub(r"<wbr>", "", done.stdout.partition('id="page">')[2].partition("</main>")[0]))
    for text in said:
        assert text in shown, text
    if not address:
        assert plain(HOSTILE).replace(" ", "") in shown.replace(" ", "")
    assert "<img" not in done.stdout
