"""Graphs to draw: two that people would draw, and any that hypothesis thinks of.

`python -m tests.tool.render.pictures` writes the golden files anew: look at what changed before you commit it.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from fata.config.picture import Picture, PictureEdge, PictureNode
from fata.tool.render import FORMATS, draw

GOLDEN = Path(__file__).parent / "golden"
EXACT = [form for form in FORMATS if form != "png"]  # the same octets on every machine

TWO_JOBS = Picture(
    "two-jobs for unix",
    (
        PictureNode("east", "east", "job", (("class", "app:Clerk"),)),
        PictureNode("west", "west", "job", (("class", "app:Clerk"),)),
        PictureNode("east_ledger", "east_ledger", "device", (("contract", "KvRw"), ("kind", "memory_kv"))),
        PictureNode("west_ledger", "west_ledger", "device", (("contract", "KvRw"), ("kind", "memory_kv"))),
        PictureNode("console", "console", "device", (("contract", "Console"),)),
    ),
    (
        PictureEdge("east", "east_ledger", "ledger"),
        PictureEdge("east", "console", "console"),
        PictureEdge("west", "west_ledger", "ledger"),
        PictureEdge("west", "console", "console"),
    ),
)

SHOP = Picture(
    'a "shop" & more <of it>',
    (
        PictureNode("shop", "shop", "job", (("class", "shop.app:Shop"),)),
        PictureNode("admin", "admin", "job", (("class", "shop.admin:Admin"),)),
        PictureNode("site", "htdocs", "device", (("contract", "KvRo"), ("path", "htdocs\\new"))),
        PictureNode("stack", "stack", "choice", (("by", "--net"),)),
        PictureNode("host", "host", "device", (("contract", "Stack"),)),
        PictureNode("direct", "direct", "device", (("implementation", "fata.stack.direct:DirectStack"),)),
        PictureNode("net", "tap0", "device", (("contract", "Net"),)),
        PictureNode("clock", "clock", "device", ()),
        PictureNode("orders", "orders", "device", (("contract", "KvTx"),)),
        PictureNode(
            "disk",
            "disk",
            "device",
            (("implementation", "shop.storage.a.rather.long.way.down:MirroredDisk"), ("path", "/srv/shop/orders.img")),
        ),
    ),
    (
        PictureEdge("shop", "site", "site"),
        PictureEdge("shop", "stack", "stack"),
        PictureEdge("shop", "orders", "orders"),
        PictureEdge("admin", "orders", "orders"),
        PictureEdge("admin", "stack", "stack"),
        PictureEdge("stack", "host", "socket"),
        PictureEdge("stack", "direct", "direct"),
        PictureEdge("direct", "net", "net"),
        PictureEdge("direct", "clock", "clock"),
        PictureEdge("orders", "disk", "block"),
        PictureEdge("orders", "clock", ""),
    ),
)

PICTURES = {"two-jobs": TWO_JOBS, "shop": SHOP}

texts = st.text(max_size=12)
kinds = st.sampled_from(["job", "device", "choice"])


@st.composite
def graphs(draw_from: st.DrawFn) -> Picture:
    """Any graph without cycles: an edge goes from an earlier node to a later one; nodes then stand in any order."""
    ids = draw_from(st.lists(texts, unique=True, max_size=8))
    details = st.dictionaries(texts, texts, max_size=3).map(lambda detail: tuple(detail.items()))
    nodes = [PictureNode(node, draw_from(texts), draw_from(kinds), draw_from(details)) for node in ids]
    pairs = [(one, other) for position, one in enumerate(ids) for other in ids[position + 1 :]]
    ends = draw_from(st.lists(st.sampled_from(pairs), max_size=16)) if pairs else []
    edges = [PictureEdge(source, target, draw_from(texts)) for source, target in ends]
    return Picture(draw_from(texts), tuple(draw_from(st.permutations(nodes))), tuple(edges))


def golden(name: str, form: str) -> Path:
    """Return where the drawing of a picture is kept."""
    return GOLDEN / f"{name}.{form}"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, picture in PICTURES.items():
        for form in EXACT:
            golden(name, form).write_text(str(draw(picture, form)), encoding="utf-8")
