"""The matrix: `nox` runs all of it, `nox -s tests-3.12` one part. Pythons that are missing are skipped."""

from __future__ import annotations

import sys

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "flake8", "celery"]

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
#: Of each minor release of Celery the one that is tested, with the newest Python that it runs on.
CELERY = {"5.2.7": "3.10", "5.3.6": "3.11", "5.4.0": "3.12", "5.5.3": "3.13", "5.6.3": "3.13", "5.7.0": "3.13"}
#: Of each minor release of flake8 the one that is tested, with the oldest Python that it runs on.
FLAKE8 = {"7.0.0": "3.10", "7.1.2": "3.10", "7.2.0": "3.10", "7.3.0": "3.10", "7.4.1": "3.10", "7.5.0": "3.11"}
#: What depends on flake8.
IN_FLAKE8 = [
    "tests/test_plugin.py",
    "tests/command",
    "tests/engine/test_baseline.py",
    "tests/flake8_host",
    "tests/integration/test_editors.py",
    "tests/integration/test_same_as_flake8.py",
    "tests/robustness/test_hostile.py",
]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, with the newest of everything."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session
@nox.parametrize(("python", "flake8"), [(py, version) for version, oldest in FLAKE8.items() for py in (oldest, "3.13")])
def flake8(session: nox.Session, flake8: str) -> None:
    """Run the plugin in each flake8."""
    session.install("-e", ".[test]", f"flake8=={flake8}")
    session.run("pytest", "-q", "-n", "auto", *IN_FLAKE8, *session.posargs)


@nox.session
@nox.parametrize(("python", "celery"), [(py, version) for version, py in CELERY.items()])
def celery(session: nox.Session, celery: str) -> None:
    """Prove what the pages say, against each Celery."""
    session.install("-e", ".[test]", f"celery=={celery}", "setuptools<81")
    session.run("pytest", "-q", "tests/truth", "tests/catalog", *session.posargs)


@nox.session
def old(session: nox.Session) -> None:
    """Run one old combination on the present Python: the oldest flake8, and the oldest Celery that runs there."""
    # Celery 5.2 is at home on Python 3.10 and older: its billiard writes tracebacks of its own on later ones.
    celery = "5.2.7" if sys.version_info < (3, 11) else "5.3.6" if sys.version_info < (3, 12) else "5.4.0"
    session.install("-e", ".[test]", "flake8==7.0.0", f"celery=={celery}", "setuptools<81")
    session.run("pytest", "-q", "-n", "auto", "tests/truth", "tests/catalog", *IN_FLAKE8)
