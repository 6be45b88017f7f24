from __future__ import annotations

import json
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.binding.symbols import Params
from flake8_celery_tasks.contract import record, signature
from flake8_celery_tasks.contract.record import Record, RecordedTask, RecordError
from tests.contract.test_compare import signatures

RECEIPT = RecordedTask(
    signature.parse("(order_pk, copy=..., *, urgent=...)"),
    "shop.tasks",
    "send_receipt",
    {"queue": "mail", "expires": 3600},
    "ignored",
)

TEXT = """\
{
  "version": 1,
  "tasks": {
    "shop.send_receipt": {
      "signature": "(order_pk, copy=..., *, urgent=...)",
      "module": "shop.tasks",
      "function": "send_receipt",
      "options": {"queue": "mail", "expires": 3600},
      "result": "ignored"
    }
  },
  "uncertain": ["legacy.tasks:build"]
}
"""


def test_it_is_written_line_by_line():
    assert record.as_text(Record({"shop.send_receipt": RECEIPT}, ("legacy.tasks:build",))) == TEXT


def test_without_tasks_it_is_short():
    assert record.as_text(Record({})) == '{\n  "version": 1,\n  "tasks": {},\n  "uncertain": []\n}\n'


def test_tasks_options_and_uncertain_names_are_sorted():
    task = RECEIPT._replace(options={"serializer": None, "priority": 3, "queue": "mail"})
    text = record.as_text(Record({"b": task, "a": task}, ("b:f", "a:f", "b:f")))
    assert text.index('"a": {') < text.index('"b": {')
    assert '"options": {"queue": "mail", "priority": 3, "serializer": null},' in text
    assert '"uncertain": ["a:f", "b:f"]' in text


def test_each_task_is_a_block_of_its_own():
    """What two branches add merges, unless it is added at the same place."""
    tasks = {f"shop.task_{number}": RECEIPT for number in range(3)}
    before = record.as_text(Record(tasks)).splitlines()
    after = record.as_text(Record({**tasks, "shop.task_1a": RECEIPT})).splitlines()
    assert len(after) - len(before) == 7
    assert len(set(after) - set(before)) == 1


def test_it_is_written_as_json_writes_it():
    """All but the line breaks of the innermost objects and lists."""
    found = Record({"größe\n": RECEIPT, "b": RECEIPT._replace(signature=None, options={})}, ("x:y",))
    text = record.as_text(found)
    loaded = json.loads(text)
    whole = json.dumps(loaded, indent=2, ensure_ascii=False)
    assert "".join(text.split()) == "".join(whole.split())
    assert '"options": {},' in text
    assert '    "größe\\n": {\n      "signature"' in text


names = st.text(st.characters(), min_size=1, max_size=8)
records = st.builds(
    Record,
    st.dictionaries(
        names,
        st.builds(
            RecordedTask,
            st.none() | signatures().map(signature.parse),
            names,
            names,
            st.fixed_dictionaries(
                {},
                optional={
                    "queue": st.none() | names,
                    "priority": st.none() | st.integers(0, 255),
                    "expires": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                },
            ),
            st.sampled_from(["stored", "ignored", "unknown"]),
        ),
        max_size=4,
    ),
    st.lists(names.map(lambda name: f"{name}:f"), max_size=3, unique=True).map(lambda found: tuple(sorted(found))),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(records)
def test_what_is_written_is_read(found):
    text = record.as_text(found)
    content = text.encode()  # no surrogate is left
    assert record.of(json.loads(content), "here") == found


@pytest.fixture
def read(tmp_path):
    def load(content: str | bytes) -> Record:
        path = tmp_path / "celery-tasks.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return record.load(str(path))

    return load


def test_it_is_read(read):
    assert read(TEXT) == Record({"shop.send_receipt": RECEIPT}, ("legacy.tasks:build",))


@pytest.mark.parametrize(
    "other",
    [
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        json.dumps(json.loads(TEXT)),
        TEXT.replace("order_pk, ", "order_pk ,"),
    ],
)
def test_how_it_is_written_does_not_count(read, other):
    assert read(other) == read(TEXT)


def changed(**values: object) -> str:
    content = json.loads(TEXT)
    for path, value in values.items():
        *parts, last = ("shop.send_receipt" if part == "receipt" else part for part in path.split("__"))
        found = content
        for part in parts:
            found = found[part]
        found[last] = value
    return json.dumps(content)


def without(*path: str) -> str:
    content = json.loads(TEXT)
    found = content
    for part in path[:-1]:
        found = found[part]
    del found[path[-1]]
    return json.dumps(content)


CONFLICT = TEXT.replace('      "module"', '<<<<<<< HEAD\n      "module"', 1).replace('      "function"', "=======\n", 1)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not a record: Expecting value: line 1"),
        ("[]", "not a record: it holds no object"),
        ("null", "not a record: it holds no object"),
        ("{}", "not a record: it has no version"),
        ('{"findings": [], "version": 1}', "not a record: tasks is missing"),
        (b"\xff\xfe{}", "not a record: it is not UTF-8"),
        (TEXT[:-4], "not a record: Expecting"),
        (TEXT + "x", "not a record: Extra data"),
        (TEXT.replace("3600", "NaN"), "not a record: NaN is not a JSON value"),
        (TEXT.replace("3600", "9" * 5000), "not a record: number 999999999999999999... is too long"),
        (TEXT.replace("3600", "1e999"), "task 'shop.send_receipt': option expires is not a number"),
        (TEXT.replace('"module"', '"signature"'), "not a record: key 'signature' is there twice"),
        (TEXT.replace('"version": 1', '"version": 2'), "has version 2, this release reads 1"),
        (TEXT.replace('"version": 1', '"version": true'), "not a record: it has no version"),
        (TEXT.replace('"version": 1', '"version": "1"'), "not a record: it has no version"),
        (CONFLICT, "contains conflict markers"),
        ("[" * 100_000, "not a record: it is nested too deeply"),
        ('{"version":' * 100_000, "not a record: it is nested too deeply"),
        (changed(tasks=[]), "not a record: tasks is not an object"),
        (changed(uncertain={}), "not a record: uncertain is not a list of module:function"),
        (changed(uncertain=[1]), "not a record: uncertain is not a list of module:function"),
        (changed(uncertain=["build"]), "not a record: uncertain is not a list of module:function"),
        (changed(extra=1), "not a record: there is no key 'extra'"),
        (without("uncertain"), "not a record: uncertain is missing"),
        (changed(tasks__receipt=[]), "not a record: task 'shop.send_receipt': no object"),
        (without("tasks", "shop.send_receipt", "result"), "task 'shop.send_receipt': result is missing"),
        (changed(tasks__receipt__line=3), "task 'shop.send_receipt': there is no key 'line'"),
        (changed(tasks__receipt__module=None), "task 'shop.send_receipt': module is not a string"),
        (changed(tasks__receipt__function=1), "task 'shop.send_receipt': function is not a string"),
        (changed(tasks__receipt__result="lost"), "result is none of stored, ignored, unknown"),
        (changed(tasks__receipt__result=[]), "result is none of stored, ignored, unknown"),
        (changed(tasks__receipt__signature="(a, a)"), "signature '(a, a)': parameter 'a' is there twice"),
        (changed(tasks__receipt__signature=["a"]), "signature is not a string"),
        (changed(tasks__receipt__options=[]), "options is not an object"),
        (changed(tasks__receipt__options={"que\nue": 1}), r"there is no option 'que\nue'"),
        (changed(tasks__receipt__options={"queue": 1}), "option queue is not a string"),
        (changed(tasks__receipt__options={"queue": ["mail"]}), "option queue is not a string"),
        (changed(tasks__receipt__options={"priority": "3"}), "option priority is not a number"),
        (changed(tasks__receipt__options={"priority": True}), "option priority is not a number"),
        (json.dumps({"version": 1, "tasks": {"x" * 1000: 1}, "uncertain": []}), f"task '{'x' * 56}...: no object"),
    ],
)
def test_what_is_no_record_is_said_in_one_line(read, content, why):
    with pytest.raises(RecordError) as error:
        read(content)
    message = str(error.value)
    assert why in message
    assert "celery-tasks.json" in message
    assert len(message.splitlines()) == 1


def test_a_version_that_is_not_known_may_hold_anything(read):
    with pytest.raises(RecordError, match="has version 3, this release reads 1"):
        read('{"version": 3, "services": []}')


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path):
    path = tmp_path / "celery-tasks.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(RecordError, match="is not a record: it is larger than 32 MB"):
        record.load(str(path))


@pytest.mark.parametrize("name", ["missing.json", "", "nul\0.json"])
def test_a_file_that_can_not_be_read(tmp_path, name):
    with pytest.raises(RecordError, match="can't read"):
        record.load(str(tmp_path / name))


def test_a_task_says_where_it_stands():
    assert RECEIPT.place == "shop.tasks:send_receipt"


def test_what_is_no_text_is_escaped():
    name = os.fsdecode(b"sh\xf6p")
    text = record.as_text(Record({name: RECEIPT._replace(signature=Params())}))
    assert '"sh\\udcf6p": {' in text
    assert record.of(json.loads(text), "") == Record({name: RECEIPT._replace(signature=Params())})


def test_what_is_not_to_be_seen_is_written_with_escapes():
    task = RECEIPT._replace(module="shop.\x7f\u202e", options={"queue": "名\U000e0001"})
    text = record.as_text(Record({"a\u200b\n": task}))
    assert all(line.isprintable() for line in text.split("\n"))
    assert '"a\\u200b\\n": {' in text
    assert '{"queue": "名\\udb40\\udc01"}' in text
    assert record.of(json.loads(text), "") == Record({"a\u200b\n": task})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_of_the_shell(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with path.open("r+b", buffering=0) as writer:
        writer.write(TEXT.encode())
        # The end of a pipe is that its last writer is gone.
        thread = threading.Timer(0.1, writer.close)
        with path.open("rb") as reader:
            assert reader
            thread.start()
            assert record.load(str(path)).tasks["shop.send_receipt"] == RECEIPT
