"""What the package, its documents and its workflows say of themselves: one version, the same Pythons, a changelog."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import flake8_celery_tasks
from flake8_celery_tasks.plugin import Plugin
from tests.helpers import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


import sys

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Homepage"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_documents_show_the_version():
    shown = [
        (name, version)
        for name in ("README.md", "docs/install.md", "docs/pre-commit.md")
        for version in re.findall(r"(?:rev: v|flake8-celery-tasks(?:==|: ))(\d+\.\d+\.\d+)", text(name))
    ]
    assert len(shown) == 5
    assert [one for one in shown if one[1] != flake8_celery_tasks.__version__] == []


def test_documents_show_the_oldest_flake8_and_no_other():
    """What is newest today is not so tomorrow."""
    [oldest] = re.findall(r'"flake8>=(\d+),<\d+"', text("pyproject.toml"))
    shown = set(re.findall(r"rev: (\d.*?) ", text("docs/pre-commit.md")))
    assert shown == {f"{oldest}.0.0"}
    assert not re.search(r"mccabe: \d|CPython \d", text("README.md"))


def test_the_version_has_one_place():
    assert "version" not in PROJECT
    assert "version" in PROJECT["dynamic"]
    assert Plugin.version == flake8_celery_tasks.__version__


def pythons_after(line, name):
    return re.findall(r'"(3\.\d+)"', re.search(line, text(name), re.MULTILINE)[1])


def test_pythons_are_the_same_everywhere():
    pythons = [found for one in PROJECT["classifiers"] if (found := one.rpartition(" :: ")[2]).startswith("3.")]
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    assert pythons_after(r"^PYTHONS = (.*)$", "noxfile.py") == pythons
    matrix = pythons_after(r"^ +python: (.*)$", ".github/workflows/ci.yml")
    assert matrix == pythons[: len(matrix)]
    assert len(matrix) >= 4


@pytest.mark.parametrize(
    "name", ["README.md", "docs/pre-commit.md", "mkdocs.yml", "CHANGELOG.md", "flake8_celery_tasks/pages/explain.py"]
)
def test_the_repository_is_the_same_everywhere(name):
    found = re.findall(r"https://github\.com/[\w-]+/flake8-celery-tasks\b", text(name))
    assert set(found) == {REPOSITORY}


def test_links_are_complete():
    assert set(PROJECT["urls"]) == {"Homepage", "Documentation", "Changelog", "Issues"}
    for label in ("Documentation", "Changelog"):
        link = PROJECT["urls"][label].removeprefix(f"{REPOSITORY}/blob/main/")
        assert (ROOT / link).is_file()


def test_types_and_licence_are_there():
    assert (Path(flake8_celery_tasks.__file__).parent / "py.typed").is_file()
    assert PROJECT["license"] == "MIT"
    assert [text(name).startswith("MIT License\n") for name in PROJECT["license-files"]] == [True]
    # Metadata has no classifier of a licence beside the expression.
    assert not [one for one in PROJECT["classifiers"] if one.startswith("License ::")]


def test_the_changelog_is_kept():
    """As https://keepachangelog.com says: newest first, with dates, grouped, each version with a link."""
    lines = text("CHANGELOG.md").splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    assert versions[0] == "## [Unreleased]"
    released = [re.fullmatch(r"## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", line) for line in versions[1:]]
    assert all(released)
    assert [one[2] for one in released] == sorted((one[2] for one in released), reverse=True)
    groups = {line[4:] for line in lines if line.startswith("### ")}
    assert groups <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    linked = [found[1] for line in lines if (found := re.match(r"\[([^]]+)\]: https://", line))]
    assert linked == ["Unreleased", *(one[1] for one in released)]


def test_links_of_the_readme_lead_somewhere():
    """Those of the pages in `docs` are mkdocs' business."""
    links = re.findall(r"\]\((?!https://)([^)#]*)[^)]*\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {"docs/options.md", "CHANGELOG.md"} <= set(links)
    assert [link for link in links if not (ROOT / link).is_file()] == []
