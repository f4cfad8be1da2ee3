"""A QTI 1.2 item taken apart: its texts, responses, conditions with scores, and feedback."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from tutor.content.xml_reading import all_of, children_of, first_of, local, text_below

_RESPONSES = ("response_lid", "response_str", "response_num", "response_xy", "response_grp")
_MATERIALS = (
    "mattext",
    "matemtext",
    "matimage",
    "mataudio",
    "matvideo",
    "matapplet",
    "matapplication",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text or a picture: `kind` is plain, html, image, or the name of what it is."""

    kind: str
    content: str


Material = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """One of the answers to choose from."""

    ident: str
    material: Material


@dataclass(frozen=True, slots=True)
class ResponseBlock:
    """One thing that is asked."""

    kind: str
    ident: str
    is_multiple: bool
    material: Material
    labels: tuple[Label, ...]
    has_field: bool


@dataclass(frozen=True, slots=True)
class Test:
    """A comparison: its name (varequal, vargte and so on), the response, the value, the case."""

    name: str
    response: str
    value: str
    is_case_sensitive: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """What earns `score`, and which feedback it shows. Tests under `not` are not among `tests`."""

    tests: tuple[Test, ...]
    score: float
    feedback: tuple[str, ...]
    has_or: bool
    is_other: bool


@dataclass(frozen=True)
class QtiItem:
    """A question as the file has it."""

    ident: str
    title: str
    meta: dict[str, str]
    material: Material
    responses: tuple[ResponseBlock, ...]
    conditions: tuple[Condition, ...]
    feedback: dict[str, Material]
    calculated: Element | None = field(default=None, compare=False)


def fields_of(element: Element) -> dict[str, str]:
    """Labels and entries of an element's own metadata, not of elements further down."""
    found: dict[str, str] = {}
    for holder in children_of(element, "itemmetadata", "qtimetadata"):
        for row in all_of(holder, "qtimetadatafield"):
            label = text_below(first_of(row, "fieldlabel"))
            found.setdefault(label, text_below(first_of(row, "fieldentry")))
    return found


def item_parse(item: Element) -> QtiItem:
    """Take an item apart; what is not there stays empty."""
    presentation = next(children_of(item, "presentation"), None)
    responses = (
        tuple(_response(node) for node in all_of(presentation, *_RESPONSES))
        if presentation is not None
        else ()
    )
    return QtiItem(
        ident=item.get("ident", ""),
        title=item.get("title", ""),
        meta=fields_of(item),
        material=_material(presentation) if presentation is not None else (),
        responses=responses,
        conditions=tuple(_condition(node) for node in all_of(item, "respcondition")),
        feedback={
            node.get("ident", ""): tuple(_pieces(node)) for node in all_of(item, "itemfeedback")
        },
        calculated=first_of(item, "calculated"),
    )


def _response(node: Element) -> ResponseBlock:
    labels = tuple(
        Label(label.get("ident", ""), tuple(_pieces(label)))
        for label in all_of(node, "response_label")
    )
    return ResponseBlock(
        kind=local(node),
        ident=node.get("ident", ""),
        is_multiple=node.get("rcardinality", "").lower() == "multiple",
        material=_material(node),
        labels=labels,
        has_field=first_of(node, "render_fib") is not None,
    )


def _material(node: Element) -> Material:
    """The pieces that stand in an element itself, outside what it asks and offers."""
    pieces: list[Piece] = []
    for child in node:
        name = local(child)
        if name in _RESPONSES or name.startswith("render_") or name == "response_label":
            continue
        if name in _MATERIALS:
            pieces.append(_piece(child))
        else:
            pieces.extend(_material(child))
    return tuple(pieces)


def _pieces(node: Element) -> Iterator[Piece]:
    return (_piece(piece) for piece in all_of(node, *_MATERIALS))


def _piece(node: Element) -> Piece:
    name = local(node)
    if name == "matimage":
        return Piece("image", node.get("uri", ""))
    if name not in {"mattext", "matemtext"}:
        return Piece(name, node.get("uri", ""))
    text = "".join(node.itertext())
    return Piece("html" if node.get("texttype", "").lower() == "text/html" else "plain", text)


def _condition(node: Element) -> Condition:
    variables = next(children_of(node, "conditionvar"), None)
    tests = tuple(_tests(variables)) if variables is not None else ()
    return Condition(
        tests=tests,
        score=sum(map(_score, children_of(node, "setvar"))),
        feedback=tuple(shown.get("linkrefid", "") for shown in all_of(node, "displayfeedback")),
        has_or=variables is not None and first_of(variables, "or") is not None,
        is_other=variables is not None and first_of(variables, "other") is not None,
    )


def _score(node: Element) -> float:
    if node.get("varname", "SCORE") not in {"SCORE", "que_score"}:
        return 0.0
    try:
        value = float(text_below(node))
    except ValueError:
        return 0.0
    return value if node.get("action", "Set").lower() in {"set", "add"} else -value


def _tests(node: Element) -> Iterator[Test]:
    for child in node:
        name = local(child)
        if name.startswith("var"):
            is_cased = child.get("case", "No").lower() == "yes"
            yield Test(name, child.get("respident", ""), text_below(child), is_cased)
        elif name != "not":
            yield from _tests(child)
