"""Examples in Markdown."""

from __future__ import annotations

from flake8_celery_tasks.pages import examples


def test_examples_are_read():
    markdown = (
        "above\n# One\n```python\na  # CLY101, CLY202\n```\n"
        '```python title="x.py"\nb  # CLY303 "a"\n```\n```text\nc\n```\n```ini\nk-l = v\nnonsense\n```\n'
    )
    first, one = examples.sections(markdown)
    assert first.text == "above\n"
    cases = examples.cases(one)
    assert [sorted(case.files) for case in cases] == [["shop/tasks.py", "x.py"]]
    assert cases[0].options == {"k_l": "v"}
    assert [mark.code for mark in examples.marks("x", "a  # CLY101, CLY202\n")] == ["CLY101", "CLY202"]
    assert next(examples.marks("x", 'b  # CLY303 "a \\"b\\""')).text == 'a "b"'
    assert examples.sections("```python\nnever closed")[0].fences[0].text == "never closed\n"
    other = examples.cases(examples.sections('```toml title="pyproject.toml"\nx\n```\n')[0])
    assert other[0].files == {"pyproject.toml": "x\n"}
