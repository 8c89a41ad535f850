"""Readers that keep the tree as it was: what they may still read is not written over."""

from __future__ import annotations

from itertools import filterfalse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.store.btree.nodes import Node, Span
    from fata.store.btree.pages import Pages
    from fata.store.btree.tree import Tree


class Pin:
    """The tree as it was at one moment, until `release`."""

    def __init__(self, pins: Pins, root: Node, epoch: int, generation: int) -> None:
        self.root = root
        self.epoch = epoch
        self.generation = generation  # pages of later ones were written after it
        self.held: list[Span] = []  # pages to give back once this and every older pin is gone
        self._pins = pins
        self.released = False

    def may_read(self, span: Span) -> bool:
        """Say whether the tree as it was may need these pages."""
        _, _, generation, kept = span
        return kept or generation <= self.generation

    def release(self) -> None:
        """Let go. A second call does nothing."""
        if not self.released:
            self.released = True
            self._pins.drop(self)


class Pins:
    """The pins of one store, oldest first."""

    def __init__(self, tree: Tree, pages: Pages) -> None:
        self._tree = tree
        self._pages = pages
        self._active: list[Pin] = []
        self.named_generation = 0  # of the newest named snapshot: its pages are not given back either

    def __len__(self) -> int:
        return len(self._active)

    def pin(self, generation: int) -> Pin:
        """Keep the tree as it is now. Pages written from now on are of this generation or later."""
        tree = self._tree
        made = Pin(self, tree.root, tree.epoch, generation)
        tree.epoch += 1
        tree.shared_below = tree.epoch
        self._active.append(made)
        return made

    def drop(self, pin: Pin) -> None:
        """Forget a pin, and give back what only it has kept."""
        index = self._active.index(pin)
        del self._active[index]
        self._tree.shared_below = self._active[-1].epoch + 1 if self._active else 0
        if index:
            self._active[index - 1].held += pin.held
        else:
            self._pages.give_back(pin.held)
        pin.held = []

    def give_back(self, spans: list[Span]) -> None:
        """Return pages that no superblock on the medium leads to any more, except those that readers keep."""
        if self.named_generation:
            spans = [(first, count, born, kept) for first, count, born, kept in spans if born > self.named_generation]
        if self._active:
            newest = self._active[-1]
            newest.held += filter(newest.may_read, spans)
            spans = [*filterfalse(newest.may_read, spans)]
        self._pages.give_back(spans)

    def held(self) -> list[Span]:
        """Return all pages that pins keep."""
        return [span for pin in self._active for span in pin.held]
