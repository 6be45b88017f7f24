"""Places in texts: lines end where the protocol says, columns count the client's units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.server.text import UTF8, UTF16, UTF32, Place, Text

ENCODINGS = (UTF8, UTF16, UTF32)
TEXTS = st.text(alphabet=st.sampled_from("ab\n\r\x0c\u2028\u00e9\U0001f600\ud800"), max_size=30)


@given(TEXTS, st.sampled_from(ENCODINGS), st.data())
def test_an_offset_is_found_again(text, encoding, data):
    offset = data.draw(st.integers(0, len(text)))
    known = Text(text, encoding)
    if text[offset - 1 : offset + 1] == "\r\n":
        offset -= 1  # no place is between the two
    assert known.offset(known.place(offset)) == offset


@given(TEXTS, TEXTS, st.sampled_from(ENCODINGS), st.data())
def test_an_edit_is_that_of_the_text(text, new, encoding, data):
    known = Text(text, encoding)
    places = [
        (offset, known.place(offset)) for offset in range(len(text) + 1) if text[offset - 1 : offset + 1] != "\r\n"
    ]
    (start, first), (end, last) = sorted(data.draw(st.tuples(st.sampled_from(places), st.sampled_from(places))))
    assert known.edited(first, last, new).text == text[:start] + new + text[end:]


@pytest.mark.parametrize(("encoding", "column"), [(UTF8, 7), (UTF16, 4), (UTF32, 3)])
def test_units(encoding, column):
    text = Text("\u00e9\U0001f600a = 1", encoding)
    assert text.place(3) == Place(0, column)
    assert text.offset(Place(0, column)) == 3


def test_what_is_behind_the_end():
    text = Text("a\r\nb")
    assert text.offset(Place(0, 9)) == 1
    assert text.offset(Place(7, 0)) == 4
    assert text.offset(Place(1, 9)) == 4
    assert Text("\u00e9").offset(Place(0, 9)) == 1
    assert Text("\x0cA\u2028B\n").place(5) == Place(1, 0)
