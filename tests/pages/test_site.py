"""The first page of the site, and the README: what they show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys

from flake8_celery_tasks.pages import examples
from tests.helpers import ROOT, write

INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITE = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


def test_the_first_page_shows_what_flake8_says(tmp_path):
    python, console, install = examples.sections(INDEX)[1].fences
    write(tmp_path, {python.title: python.text})
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "shop"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert console.text == "$ flake8 shop\n" + done.stdout.replace("\\", "/")
    assert len(set(re.findall(r" (CLY\d+) ", done.stdout))) == 3
    assert install.text == "$ pip install flake8-celery-tasks\n"


def test_both_lead_to_the_story_and_to_the_pages_of_a_start():
    pages = (
        "install",
        "configure",
        "options",
        "ruff",
        "old-code-base",
        "pre-commit",
        "ci",
        "editors",
        "story",
        "compare",
    )
    for page in pages:
        assert f"({page}.md)" in INDEX
        assert f"(docs/{page}.md" in README
        assert f": {page}.md\n" in SITE


def test_users_read_first_how_to_install():
    titles = re.findall(r"^## (.*)$", README, re.MULTILINE)
    assert titles[:2] == ["Install", "Try it"]
    assert README.index("pip install flake8-celery-tasks") < README.index("'.[dev]'")


def test_the_link_to_the_repository_fetches_nothing():
    """The theme's own asks GitHub for numbers in the reader's browser, by a component of that name."""
    [folder] = re.findall(r"^  custom_dir: (.*)$", SITE, re.MULTILINE)
    link = (ROOT / folder / "partials" / "source.html").read_text(encoding="utf-8")
    assert '<a href="{{ config.repo_url }}"' in link
    assert "data-md-component" not in link
