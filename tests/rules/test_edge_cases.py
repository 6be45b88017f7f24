"""The edge cases of the rules, and of what they rest on: Markdown with the expected codes as comments in the code.

The files stand below `tests/rules`, called like the rule, and below `tests/resolution`.
Every section is a project of its own. A line that ends in `# CLY101` gets that report and no other;
`# CLY101 "text"` also asks for a part of the message. All rules run on every case.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples, explain
from tests.helpers import EDGE_CASES, ROOT, check

#: The codes of the rules by their names.
CODES = {name: code for code, name in explain.names().items()}
FOLDER = Path(__file__).parent


def all_cases():
    for file in EDGE_CASES:
        stem = file.relative_to(ROOT / "tests").with_suffix("").as_posix()
        code = CODES.get(file.stem.replace("_", "-"))
        marks = [pytest.mark.rule(code)] if code else []
        for section in examples.sections(file.read_text(encoding="utf-8")):
            for case in examples.cases(section):
                yield pytest.param(case, id=f"{stem}:{case.line}:{section.title}", marks=marks)


@pytest.mark.parametrize("case", list(all_cases()))
def test_edge_case(case, tmp_path):
    expected = [mark for path, text in case.files.items() for mark in examples.marks(path, text)]
    found = [
        (path, violation)
        for path, violations in check(tmp_path, case.files, **case.options).items()
        for violation in violations
    ]
    assert sorted((path, violation.line, violation.code) for path, violation in found) == sorted(
        (mark.path, mark.line, mark.code) for mark in expected
    ), "\n".join(f"{path}:{violation}" for path, violation in found)
    for mark in expected:
        texts = [v.text for path, v in found if (path, v.line, v.code) == (mark.path, mark.line, mark.code)]
        assert any(mark.text in text for text in texts), texts


@pytest.mark.parametrize("rule", loader.rules(), ids=lambda rule: rule.code)
def test_every_rule_has_edge_cases(rule):
    module = Path(type(rule).__module__.replace(".", "/"))
    assert (FOLDER / module.parent.name / f"{module.name}.md").is_file()
