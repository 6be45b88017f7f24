"""Code quality reports of GitLab."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_gitlab(shop, read, monkeypatch):
    found = read("gitlab", "--select=CLY,CLY903,E9")
    one = next(one for one in found if one["check_name"] == "CLY101")
    assert one["location"] == {"path": "shop/tasks.py", "lines": {"begin": 4}}
    assert one["description"].startswith("CLY101 Task 'a'")
    assert {one["check_name"]: one["severity"] for one in found}["E999"] == "blocker"
    assert {one["severity"] for one in found} == {"minor", "major", "blocker"}
    monkeypatch.setenv("CI_PROJECT_DIR", str(shop.parent))
    assert read("gitlab", "shop/tasks.py")[0]["location"]["path"] == f"{shop.name}/shop/tasks.py"


def test_the_folder_of_another_job(shop, read, monkeypatch, tmp_path):
    """One that does not contain the working directory is ignored, and a link to it is followed."""
    monkeypatch.setenv("CI_PROJECT_DIR", "/no/such/builds")
    assert read("gitlab", "shop/tasks.py")[0]["location"]["path"] == "shop/tasks.py"
    link = tmp_path / "builds"
    link.symlink_to(shop.parent)
    monkeypatch.setenv("CI_PROJECT_DIR", str(link))
    assert read("gitlab", "shop/tasks.py")[0]["location"]["path"] == f"{shop.name}/shop/tasks.py"
