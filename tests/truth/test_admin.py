"""707: tasks that are sent in the transaction of Django's admin."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("django")

#: What the admin calls outside any transaction.
OUTSIDE = {"delete_queryset"}


@pytest.mark.truth("CLY707")
def test_admin_saves_and_deletes_in_its_own_transaction():
    """CLY707: the methods around saving and deleting run in a transaction, where a message leaves before the commit."""
    run = subprocess.run([sys.executable, "-m", "tests.truth.django_admin"], capture_output=True, text=True, check=True)
    said = {line.split()[0]: line.split()[1:] for line in run.stdout.splitlines()}
    assert said == {name: [str(name not in OUTSIDE), "1"] for name in said}
    assert {
        "delete_model",
        "delete_queryset",
        "log_addition",
        "log_change",
        "response_add",
        "response_change",
        "response_delete",
        "response_post_save_add",
        "response_post_save_change",
        "save_form",
        "save_formset",
        "save_model",
        "save_related",
    } == set(said)
