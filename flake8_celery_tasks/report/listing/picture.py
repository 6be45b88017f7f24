"""The graph of senders and tasks: both are nodes in clusters, with an edge from each sender to a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.engine.survey.inventory import BEAT, OTHER_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flake8_celery_tasks.engine.survey.inventory import Inventory, Listed, Sender


#: The kinds of nodes: a task of the project, one of another service, a name that no task has; a module that sends;
#: beat.
TASK, SERVICE, UNKNOWN, MODULE, BEATS = "task", "service", "unknown", "module", "beat"

#: The clusters that are not apps.
_UNKNOWN_NAMES: Final = "unknown names"
_BEAT: Final = "beat schedule"


class Node(NamedTuple):
    """A node: its key in the graph, its kind, its label, and its cluster, if any.

    `number` is the task's among the listed ones, -1 for anything else.
    """

    key: str
    kind: str
    label: str
    cluster: str
    number: int = -1


class Edge(NamedTuple):
    """A sender and a task, by their keys, and the number of places."""

    source: str
    target: str
    places: int


class Picture(NamedTuple):
    """The nodes in the order of their keys, and the edges."""

    nodes: list[Node]
    edges: list[Edge]

    def clusters(self) -> dict[str, list[Node]]:
        """Return the nodes by cluster."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(node.cluster, []).append(node)
        return found


def picture(found: Inventory) -> Picture:
    """Return the graph of some tasks and of the unknown names that are sent."""
    nodes = {f"t{index}": Node(f"t{index}", *_task(one), index) for index, one in enumerate(found.tasks)}
    by_place: dict[object, str] = {
        one.place: f"t{index}" for index, one in enumerate(found.tasks) if one.place is not None
    }
    senders: dict[tuple[str, str, str], str] = {}
    edges: dict[tuple[str, str], int] = {}
    sent = [(f"t{index}", one.senders) for index, one in enumerate(found.tasks)]
    for number, (name, places) in enumerate(found.unknown.items()):
        nodes[f"u{number}"] = Node(f"u{number}", UNKNOWN, plain(name), _UNKNOWN_NAMES)
        sent.append((f"u{number}", places))
    for target, places in sent:
        for source in _sources(places, by_place, senders):
            edges[source, target] = edges.get((source, target), 0) + 1
    nodes.update((key, Node(key, *written)) for written, key in senders.items())
    return Picture(list(nodes.values()), [Edge(*ends, count) for ends, count in edges.items()])


def _task(one: Listed) -> tuple[str, str, str]:
    """Return the kind, label and cluster of a task."""
    entry = one.entry
    if one.place is None:
        return SERVICE, plain(entry.name or ""), OTHER_SERVICE
    # An unknown name is marked: the function is shown instead.
    return TASK, plain(entry.name or f"? {one.place[1]}"), plain(entry.app)


def _sources(
    places: Iterable[Sender], by_place: Mapping[object, str], senders: dict[tuple[str, str, str], str]
) -> Iterable[str]:
    """Yield the keys of the senders at some places; those that are not listed tasks are added to `senders`."""
    for place in places:
        key = by_place.get(place.by)
        if key is None:
            written = (BEATS, "beat", _BEAT) if place.what == BEAT else (MODULE, plain(place.path), plain(place.app))
            key = senders.setdefault(written, f"s{len(senders)}")
        yield key
