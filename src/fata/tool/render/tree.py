"""Draws a graph as an indented tree: what each job needs, what that needs, and so on; each device in full once.

two-jobs
├─ job east
│  ├─ ledger: east_ledger  contract KvTx
│  └─ console: console  contract Console
└─ job west
   └─ console: console ↑ (above)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from fata.config.picture import Picture, PictureEdge, PictureNode
from fata.tool.render.visible import visible

WIDTH = 100  # columns; details that do not fit beside a label go below it, one a line


class Strokes(NamedTuple):
    """What branches are drawn with."""

    branch: str
    last: str
    trunk: str
    space: str
    above: str


LINES = Strokes("├─ ", "└─ ", "│  ", "   ", "↑")
ASCII = Strokes("|- ", "`- ", "|  ", "   ", "^")


def draw(picture: Picture, *, ascii_only: bool = False) -> str:
    """Draw the tree; `ascii_only` for terminals and files that take nothing else."""
    text = "\n".join(_Tree(picture, ASCII if ascii_only else LINES).lines()) + "\n"
    return text.encode("ascii", "backslashreplace").decode() if ascii_only else text


class _Tree:
    def __init__(self, picture: Picture, strokes: Strokes) -> None:
        self.picture = picture
        self.strokes = strokes
        self.node = {node.id: node for node in picture.nodes}
        self.needs: dict[str, list[PictureEdge]] = {node.id: [] for node in picture.nodes}
        for edge in picture.edges:
            self.needs[edge.source].append(edge)
        self.labels = Counter(node.label for node in picture.nodes)
        self.shown: set[str] = set()

    def lines(self) -> Iterator[str]:
        """Yield the title, then a branch for every node that nothing needs."""
        yield visible(self.picture.title)
        needed = {edge.target for edge in self.picture.edges}
        roots = [node for node in self.picture.nodes if node.id not in needed]
        for position, root in enumerate(roots, 1):
            yield from self.branch(PictureEdge("", root.id, ""), "", position == len(roots))

    def branch(self, edge: PictureEdge, indent: str, last: bool) -> Iterator[str]:
        """Yield a node and what it needs, or where it stands already."""
        node = self.node[edge.target]
        head = indent + (self.strokes.last if last else self.strokes.branch) + self.name(node, edge.label)
        if node.id in self.shown:
            yield f"{head} {self.strokes.above} (above)" if self.needs[node.id] or node.detail else head
            return
        self.shown.add(node.id)
        below = indent + (self.strokes.space if last else self.strokes.trunk)
        needs = self.needs[node.id]
        yield from self.described(head, node, below + (self.strokes.trunk if needs else self.strokes.space))
        for position, need in enumerate(needs, 1):
            yield from self.branch(need, below, position == len(needs))

    def name(self, node: PictureNode, parameter: str) -> str:
        """Write "parameter: label", with the kind if it is no device, and the id if the label is another's too."""
        words = [] if node.kind == "device" else [node.kind]
        words.append(visible(node.label) or '""')
        if self.labels[node.label] > 1:
            words.append(f"({visible(node.id)})")
        return (f"{visible(parameter)}: " if parameter else "") + " ".join(words)

    def described(self, head: str, node: PictureNode, below: str) -> Iterator[str]:
        """Yield the line of a node with its details beside it, or below it where they do not fit."""
        details = [f"{visible(name)} {visible(value)}" for name, value in node.detail]
        beside = f"{head}  {', '.join(details)}" if details else head
        if len(beside) <= WIDTH:
            yield beside
            return
        yield head
        yield from (f"{below}  {detail}" for detail in details)
