"""HTML to a small tree, whatever the HTML is like."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"
VOID = frozenset(_VOID_NAMES.split())
_P_ENDERS = "p div ul ol table blockquote pre h1 h2 h3 h4 h5 h6"
_HOLDER_NAMES = "ul ol table div td th blockquote"
# What an opening tag ends, where authors leave closing tags out.
_CLOSES = {
    **{tag: {"p"} for tag in _P_ENDERS.split()},
    "li": {"li", "p"},
    "td": {"td", "th", "p"},
    "th": {"td", "th", "p"},
    "tr": {"tr", "td", "th", "p"},
}
_HOLDS = frozenset(_HOLDER_NAMES.split())
# Deeper tags are read as if they were not there.
MAX_DEPTH = 60


@dataclass
class Element:
    """A tag with what stands in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)


def html_parse(source: str) -> Element | None:
    """Give the tree, or None where Python's parser gives up."""
    parser = _Builder()
    try:
        parser.feed(source)
        parser.close()
    except AssertionError:
        # html.parser asserts on some broken declarations such as `<![x`.
        return None
    return parser.root


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._close_implied(_CLOSES.get(tag, set()))
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID and len(self.open) < MAX_DEPTH:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self.open) - 1, 0, -1):
            if self.open[at].tag == tag:
                del self.open[at:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def _close_implied(self, ended: set[str]) -> None:
        for at in range(len(self.open) - 1, 0, -1):
            if self.open[at].tag in ended:
                del self.open[at:]
                # A row ends its cells and itself.
                self._close_implied(ended)
                return
            if self.open[at].tag in _HOLDS:
                return


def text_of(element: Element) -> str:
    """All text in an element."""
    pieces: list[str] = []
    walk: list[Element | str] = [element]
    while walk:
        node = walk.pop()
        if isinstance(node, str):
            pieces.append(node)
        else:
            walk.extend(reversed(node.children))
    return "".join(pieces)


def find(element: Element, wanted: Callable[[Element], bool]) -> Element | None:
    """The first element within that is wanted."""
    walk: list[Element | str] = [element]
    while walk:
        node = walk.pop()
        if isinstance(node, Element):
            if wanted(node):
                return node
            walk.extend(reversed(node.children))
    return None
