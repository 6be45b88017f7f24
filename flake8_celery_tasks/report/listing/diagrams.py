"""The picture as text: for Mermaid, and for Graphviz."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import LOG_COMMAND
from flake8_celery_tasks.report.listing.picture import BEATS, MODULE, SERVICE, TASK, UNKNOWN, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.engine.survey.inventory import Inventory
    from flake8_celery_tasks.report.listing.picture import Node


#: Characters with a meaning to Mermaid even inside quotes, which are therefore written as their numbers.
_HARMLESS: Final = re.compile(r"[^\w ./\-]", re.ASCII)

#: How Mermaid draws the kinds: brackets, and the class.
_SHAPES: Final = {TASK: "[]", SERVICE: "[]", UNKNOWN: "{}", MODULE: "()", BEATS: "()"}
_CLASSES: Final = (
    "classDef task fill:#e8f1ff,stroke:#2563eb,color:#111827",
    "classDef service fill:#f3e8ff,stroke:#7e22ce,color:#111827",
    "classDef unknown fill:#fee2e2,stroke:#dc2626,color:#111827,stroke-dasharray:4 3",
    "classDef module fill:#f3f4f6,stroke:#6b7280,color:#111827",
    "classDef beat fill:#fef3c7,stroke:#d97706,color:#111827",
)

#: The same for Graphviz.
_STYLES: Final = {
    TASK: 'shape=box, style="filled", fillcolor="#e8f1ff", color="#2563eb"',
    SERVICE: 'shape=box, style="filled", fillcolor="#f3e8ff", color="#7e22ce"',
    UNKNOWN: 'shape=diamond, style="filled,dashed", fillcolor="#fee2e2", color="#dc2626"',
    MODULE: 'shape=box, style="filled,rounded", fillcolor="#f3f4f6", color="#6b7280"',
    BEATS: 'shape=box, style="filled,rounded", fillcolor="#fef3c7", color="#d97706"',
}


def as_mermaid(found: Inventory) -> str:
    """Return a flow chart for Mermaid."""
    drawn = picture(found)
    lines = ["flowchart LR"]
    for number, (cluster, nodes) in enumerate(drawn.clusters().items()):
        shown = [f"{node.key}{_mermaid_node(node)}:::{node.kind}" for node in nodes]
        if not cluster:
            lines += [f"  {line}" for line in shown]
            continue
        lines += [f"  subgraph c{number}[{_mermaid(cluster)}]", *(f"    {line}" for line in shown), "  end"]
    for edge in drawn.edges:
        count = f"|{edge.places}|" if edge.places > 1 else ""
        lines.append(f"  {edge.source} -->{count} {edge.target}")
    return "".join(f"{line}\n" for line in [*lines, *(f"  {line}" for line in _CLASSES)])


def _mermaid_node(node: Node) -> str:
    shape = _SHAPES[node.kind]
    return f"{shape[0]}{_mermaid(_labelled(node))}{shape[1]}"


def _mermaid(text: str) -> str:
    """Return a quoted text in which nothing is markup, a directive, or the end of the quotes."""
    return '"' + _HARMLESS.sub(lambda found: f"#{ord(found[0])};", text) + '"'


def _labelled(node: Node) -> str:
    return f"{node.label} ?" if node.kind == UNKNOWN else node.label


def as_dot(found: Inventory) -> str:
    """Return a graph for Graphviz."""
    return "".join(f"{line}\n" for line in _dot_lines(found))


def _dot_lines(found: Inventory) -> Iterator[str]:
    drawn = picture(found)
    yield "digraph tasks {"
    yield '  rankdir=LR; node [fontname="sans-serif", fontsize=10]; edge [color="#6b7280", fontsize=9];'
    for number, (cluster, nodes) in enumerate(drawn.clusters().items()):
        indent = "    " if cluster else "  "
        if cluster:
            yield f"  subgraph cluster_{number} {{"
            yield f'    label={_dot(cluster)}; style="rounded"; color="#9ca3af"; fontname="sans-serif";'
        for node in nodes:
            yield f"{indent}{node.key} [label={_dot(_labelled(node))}, {_STYLES[node.kind]}];"
        if cluster:
            yield "  }"
    for edge in drawn.edges:
        yield f"  {edge.source} -> {edge.target}" + (f' [label="{edge.places}"];' if edge.places > 1 else ";")
    yield "}"


def _dot(text: str) -> str:
    """Return a quoted text in which nothing is an escape, an entity, or the end of the quotes."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{LOG_COMMAND.sub("#&#35;", text)}"'
