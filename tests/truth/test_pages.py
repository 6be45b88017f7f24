"""What the pages quote is what Celery says: their bad examples are run, and their quotes looked for in what was heard.

Pages are found by what they quote; nothing is registered. A page whose quote takes more than that its bad examples run
has a function in `plays.py`, or a truth test that looks for the quote itself: `assert not unsaid("CLY301", log)`. The
pages quote the newest Celery. Sessions that they show are run as doctests.
"""

from __future__ import annotations

import doctest
import io

import pytest

from . import plays
from .lab import celery_version
from .pages import PAGES, RULES, Stage, fences, looked_for, page_of, stands_in, unsaid

newest = pytest.mark.skipif(celery_version() < (5, 7), reason="the pages quote the newest Celery")


@pytest.fixture
def stage(lab, request):
    """The page that the test is about."""
    with Stage(lab, request.param) as made:
        yield made


#: What is done on the stage of a page, where it is not what is done on all others.
PLAYS = {name.upper(): act for name, act in vars(plays).items() if name.startswith("cly")}
#: Pages whose quotes a truth test looks for itself.
ELSEWHERE = looked_for()
SHOWN = [rule.code for rule in RULES if not rule.opt_in or fences(rule.code, "text")]


@newest
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # results without a backend
@pytest.mark.parametrize(
    ("code", "stage"),
    [pytest.param(code, code, id=code, marks=pytest.mark.truth(code)) for code in SHOWN if code not in ELSEWHERE],
    indirect=["stage"],
)
def test_page(code, stage):
    """What a page quotes was logged, raised or warned of when its bad example ran; without a quote nothing was."""
    if not fences(code, "text"):
        stage.helpers.clear()  # what they would say is not Celery's
    names = PLAYS.get(code, Stage.play)(stage) or {}
    for session in fences(code, "pycon"):
        run_session(session, dict(names))
    if fences(code, "text"):
        assert not unsaid(code, stage.said), stage.said
    else:
        assert stage.complaints == []


def run_session(session, names):
    """Run what a page shows of a session of Python."""
    test = doctest.DocTestParser().get_doctest(session, names, "page", None, 0)
    assert test.examples
    said = io.StringIO()
    assert doctest.DocTestRunner().run(test, out=said.write).failed == 0, said.getvalue()


def test_plays_are_of_pages():
    """No play is left over from a page that has changed, and nothing is shown twice."""
    assert PLAYS.keys() <= set(SHOWN)
    assert {code for code in SHOWN if fences(code, "text")} >= ELSEWHERE
    assert not PLAYS.keys() & ELSEWHERE


PAGE = """\
## What happens

```text
Task shop_add[...] received
Task shop_add[...] raised unexpected: TypeError(...)
```

```text
{quote}
```

## Bad

```python
from celery import shared_task


@shared_task(name="shop_add")
def add(order):
    return f"{{order}}" + 1
```

```python
from celery import shared_task
from shop.web import download


@shared_task(name="shop_fetch")
def fetch(url):
    return 7


def refresh(url, limit=9):
    download(url)


def close(order):
    fetch.apply_async(order.pk)
```

## Good
"""


@newest
@pytest.mark.parametrize(
    "quote",
    [
        "Task shop_fetch[...] succeeded in ...s: 7",
        "TypeError: ... must be an iterable, not int",
        "ConnectionError: refused",
        "Task shop_fetch[...] succeeded in ...s: 8",
    ],
)
def test_a_page_that_nobody_has_registered(lab, monkeypatch, quote):
    """Its examples are run: tasks are sent, other functions called; and what Celery does not say is found."""
    code = "CLY999"
    monkeypatch.setitem(PAGES, code, page_of(PAGE.format(quote=quote)))
    with Stage(lab, code) as stage:
        stage.play()
        assert unsaid(code, stage.said) == ([f"{quote}\n"] if quote.endswith("8") else [])


def test_quotes_that_a_test_looks_for_itself():
    source = 'def test_it(log):\n    assert not unsaid("CLY301", log)\n    unsaid(code, log), other("CLY302", log)\n'
    assert looked_for([source]) == {"CLY301"}


@pytest.mark.parametrize(
    ("quote", "stands"),
    [
        ("Task add[...] received", True),
        ("Task add[7] received\nTask add[...] succeeded in ...s: 3", True),
        ("  Task add[7] received\n\n", True),
        ("Task add[...] succeeded in ...s: 3\nTask add[7] received", False),
        ("Task add[7] received\nTask add[7] received", False),
        ("Task ... succeeded in 0.1s: 4", False),
        ("received...more", False),
        ("Task.add", False),
    ],
)
def test_quote_stands_in_a_text(quote, stands):
    """The lines of a quote stand in their order, and `...` goes no further than the line."""
    assert stands_in(quote, "INFO Task add[7] received\nmore\nINFO Task add[7] succeeded in 0.1s: 3\n") is stands
