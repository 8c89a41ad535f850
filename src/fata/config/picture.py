"""A graph as boxes and arrows, for whoever draws it."""

from __future__ import annotations

from typing import NamedTuple

from fata.config.graph import Boot, File, Graph, Node, Operand


class PictureNode(NamedTuple):
    """A box. `kind` is "job" or "device"; `detail` are its properties in the order to be shown."""

    id: str
    label: str
    kind: str
    detail: tuple[tuple[str, str], ...]


class PictureEdge(NamedTuple):
    """An arrow: `source` needs `target`, as its parameter `label`."""

    source: str
    target: str
    label: str


class Picture(NamedTuple):
    """Everything there is to draw."""

    title: str
    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]


def draw(graph: Graph) -> Picture:
    """Return the picture of a graph: jobs first, then devices."""
    jobs = tuple(
        PictureNode(
            job.id,
            job.id,
            "job",
            (("application", f"{job.signature.module}:{job.signature.name}"), *_plain(job.arguments)),
        )
        for job in graph.jobs
    )
    devices = tuple(
        PictureNode(
            node.id,
            node.id,
            "device",
            (
                ("contract", node.device.entry.contract.__name__),
                ("implementation", node.implementation),
                *_plain(node.arguments),
            ),
        )
        for node in graph.nodes
    )
    owners = [(job.id, job.arguments) for job in graph.jobs] + [(node.id, node.arguments) for node in graph.nodes]
    edges = tuple(
        PictureEdge(owner, operand.id, name)
        for owner, arguments in owners
        for name, operand in arguments
        if isinstance(operand, Node)
    )
    return Picture(f"{graph.project.name} for {graph.target}", (*jobs, *devices), edges)


def _plain(arguments: tuple[tuple[str, Operand], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _show(operand)) for name, operand in arguments if not isinstance(operand, Node))


def _show(operand: Operand) -> str:
    match operand:
        case Boot(key):
            return f"--{key.name}"
        case File(_, _, source):
            return source.name
    return str(operand)
