"""Two services in one repository, each with a configuration of its own."""

from __future__ import annotations

from tests.helpers import BAD

FILES = {
    "services/mail/pyproject.toml": '[tool.flake8-celery-tasks]\nselect = ["CLY1"]\ncelery-target-version = "5.3"\n',
    "services/mail/mail/__init__.py": "",
    "services/mail/mail/tasks.py": BAD,
    "services/pay/pyproject.toml": (
        '[tool.flake8-celery-tasks]\nselect = ["CLY2"]\nextend-exclude = ["legacy"]\n'
        '[tool.flake8-celery-tasks.per-file-ignores]\n"pay/quiet.py" = ["CLY202"]\n'
    ),
    "services/pay/pay/__init__.py": "",
    "services/pay/pay/tasks.py": BAD,
    "services/pay/pay/quiet.py": BAD.replace('"b"', '"c"'),
    "services/pay/legacy/tasks.py": BAD.replace('"b"', '"d"'),
    "tools/tasks.py": BAD.replace('"b"', '"e"'),
}


def lay_out(folder):
    """Write the repository into a folder."""
    (folder / ".git").mkdir(parents=True)
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
