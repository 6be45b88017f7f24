"""Any project layout: no command raises, and files are judged the same in whatever order they come."""

from __future__ import annotations

import shutil

from hypothesis import given
from hypothesis import strategies as st

from tests.robustness import harness, layouts
from tests.robustness.effort import examples


@given(random=st.randoms(use_true_random=False))
@examples(50)
def test_any_layout(tmp_path, random):
    folder = tmp_path / "project"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    layouts.make(random, folder)
    harness.examine(folder)
