"""Tasks as a self-contained HTML page, in which nothing from a project is ever markup or code."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks import __version__
from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.report.listing.picture import picture
from flake8_celery_tasks.report.listing.records import names_of, record, sender_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flake8_celery_tasks.engine.survey.inventory import Inventory


#: Characters that could end the block of data, or start a comment in it.
_ESCAPES: Final = {letter: f"\\u{ord(letter):04x}" for letter in "<>&'"}


def as_html(found: Inventory, findings: Mapping[int, Sequence[Mapping[str, Any]]], title: str) -> str:
    """Return a page; `findings` are those about tasks, by the tasks' numbers: objects with path, line, code, text."""
    style, script = (_part(name) for name in ("page.css", "page.js"))
    parts = {
        "title": html.escape(plain(title)),
        "style": style,
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
        "data": _data(found, findings, title),
    }
    # In one pass: no part is searched for another.
    pieces = _part("page.html").split("{")
    text = pieces[0]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}")
        text += parts[name] + rest
    return text


def _data(found: Inventory, findings: Mapping[int, Sequence[Mapping[str, Any]]], title: str) -> str:
    names = names_of(found.tasks)
    drawn = picture(found)
    content = _plain(
        {
            "title": title,
            "version": __version__,
            "tasks": [
                {**record(one, names), "findings": list(findings.get(index, ()))}
                for index, one in enumerate(found.tasks)
            ],
            "unknown": [
                {"name": name, "senders": [sender_record(place, names) for place in places]}
                for name, places in found.unknown.items()
            ],
            "nodes": [node._asdict() for node in drawn.nodes],
            "edges": [edge._asdict() for edge in drawn.edges],
        }
    )
    text = json.dumps(content, separators=(",", ":"))
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _plain(value: Any) -> Any:
    """Return data with texts in which nothing moves the cursor or changes the text direction."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _part(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8", newline="") as file:
        return file.read().replace("\r\n", "\n")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
