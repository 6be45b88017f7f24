"""Several projects in one run: what they have in common."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.main import main
from tests.helpers import PROJECT, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

REPORTS = ("json", "sarif", "github", "gitlab")


@pytest.mark.parametrize("form", REPORTS)
def test_every_format_has_all_parts(above, capfd, form):
    assert main(["check", f"--output-format={form}"]) == 1
    text = capfd.readouterr().out
    for part in ("services/mail/mail/tasks.py", "services/pay/pay/tasks.py", "tools/tasks.py"):
        assert part in text


def test_fixes_are_those_of_each_part(above, capfd):
    main(["check", "--output-format=sarif", "--fixes", "--select=CLY1"])
    results = json.loads(capfd.readouterr().out)["runs"][0]["results"]
    fixed = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in results if one.get("fixes")]
    assert "services/mail/mail/tasks.py" in fixed


@pytest.mark.parametrize("form", REPORTS)
def test_counts_are_told_where_the_output_is_for_programs(tmp_path, monkeypatch, capfd, form):
    write(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    assert main(["check", f"--output-format={form}"]) == 1
    plain, _ = capfd.readouterr()
    assert main(["check", f"--output-format={form}", "--count", "--statistics"]) == 1
    out, err = capfd.readouterr()
    assert out == plain
    lines = [line for line in err.splitlines() if line.startswith("flake8-celery-tasks: ")]
    assert lines[-1] == "flake8-celery-tasks: 4"
    assert [line.split()[1:3] for line in lines[:-1]] == [
        ["1", code] for code in ("CLY101", "CLY201", "CLY202", "CLY401")
    ]


def test_contract_against_a_revision(above, capfd):
    import subprocess

    for call in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *call], cwd=above, check=True, capture_output=True)
    for name in ("mail", "pay"):  # one name, which two services have
        path = above / f"services/{name}/{name}/tasks.py"
        path.write_text(path.read_text().replace('name="b"', f'name="{name}.new"'))
    capfd.readouterr()
    assert main(["contract", "--against", "HEAD", "--select=CLY411"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["./services/mail/mail/tasks.py"]


def test_what_was_looked_at_is_that_of_all_parts(above, capfd):
    odd = "import odd\nimport celery\n\n\n@odd.one(acks_late=True)\ndef t(): ...\n\n\nx = 1  # noqa: CLY101\n"
    for name in ("mail", "pay"):
        (above / f"services/{name}/{name}/odd.py").write_text(odd)
    assert main(["check", "--unused-noqa", "--extend-select=CLY900"]) == 1
    out, err = capfd.readouterr()
    assert out.count("CLY900") == 1  # pay does not select what the comment silences
    assert "8 tasks in 4 files. 2 decorators have Celery's keywords" in err
    assert "such as odd.one at ./services/mail/mail/odd.py:5" in err
