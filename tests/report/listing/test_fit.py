"""A table that fits the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.report.listing import fit

COLUMNS = ["name", "path", "app", "runs", "sent_from"]
ROWS = [
    ["Task", "Place", "App", "Runs", "Sent from"],
    [
        "shop.orders.tasks.send_confirmation",
        "shop/orders/tasks.py:12",
        "shop.orders",
        "at most once (default)",
        "x" * 60,
    ],
]


def total(rows):
    return sum(fit.widths_of(rows)) + len(fit.GAP) * (len(rows[0]) - 1)


def test_columns_are_left_out_where_it_is_narrow():
    assert fit.fitting(COLUMNS, ROWS, 200) == COLUMNS
    assert fit.fitting(COLUMNS, ROWS, 80) == COLUMNS[:4]
    assert fit.fitting(COLUMNS, ROWS, 50) == ["name", "path"]
    assert fit.fitting(COLUMNS, ROWS, 5) == ["name"]
    assert fit.fitting(["app"], [["App"], ["x"]], 0) == ["app"]
    assert fit.fitting(["name", "line"], [["Task", "Line"], ["x" * 90, "1"]], 5) == ["name", "line"]


def test_the_widest_cells_are_shortened():
    rows = fit.shortened(COLUMNS, ROWS, 100, "...")
    assert total(rows) == 100
    assert rows[0] == ROWS[0]
    assert rows[1][2] == "shop.orders"
    assert fit.shortened(COLUMNS, ROWS, 400, "...") == ROWS


@pytest.mark.parametrize(
    ("text", "from_left", "expected"),
    [
        ("short", False, "short"),
        ("shop/tasks.py:12", True, "...s.py:12"),
        ("名前名前名前", False, "名前名..."),
        ("名前名前名前", True, "...前名前"),
    ],
)
def test_shorten(text, from_left, expected):
    assert fit.shorten(text, 10, "...", from_left=from_left).startswith(expected)
    assert fit.width(fit.shorten(text, 10, "...", from_left=from_left)) <= 10


@given(st.lists(st.lists(st.text(max_size=80), min_size=5, max_size=5), min_size=1), st.integers(1, 200))
def test_what_fits_is_no_wider(cells, room):
    rows = [ROWS[0], *cells]
    columns = fit.fitting(COLUMNS, rows, room)
    kept = [[cell for name, cell in zip(COLUMNS, row, strict=True) if name in columns] for row in rows]
    shown = fit.shortened(columns, kept, room, "...")
    assert [len(row) for row in shown] == [len(columns)] * len(rows)
    assert total(shown) <= max(room, 24) or len(columns) == 1
