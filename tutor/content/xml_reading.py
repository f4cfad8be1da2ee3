"""XML of uploads behind defusedxml: no entities, no DTD, errors in words; and small helpers."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from tutor.content.errors import ContentUnreadableError

MAX_DEPTH = 100


def xml_read(raw: bytes, *, name: str) -> Element:
    """Parse XML.

    Raises:
        ContentUnreadableError: naming the line and column, or what is not allowed.
    """
    try:
        root = fromstring(raw, forbid_dtd=True)
    except ParseError as error:
        raise ContentUnreadableError(
            _("'{name}' is not XML: {reason}.").format(name=name, reason=error)
        ) from error
    except DefusedXmlException as error:
        raise ContentUnreadableError(
            _(
                "'{name}' declares a document type or entities, which are refused; "
                "expected plain XML."
            ).format(name=name)
        ) from error
    except (LookupError, ValueError) as error:
        raise ContentUnreadableError(
            _("'{name}' is not XML that can be read: {reason}.").format(name=name, reason=error)
        ) from error
    _depth_check(root, name)
    return root


def _depth_check(root: Element, name: str) -> None:
    level = [root]
    for _level in range(MAX_DEPTH):
        level = [child for node in level for child in node]
        if not level:
            return
    raise ContentUnreadableError(
        _("'{name}' is nested more than {most} levels deep.").format(name=name, most=MAX_DEPTH)
    )


def local(element: Element) -> str:
    """A tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def all_of(element: Element, *names: str) -> Iterator[Element]:
    """Every element below with one of the names, in order."""
    return (node for node in element.iter() if node is not element and local(node) in names)


def first_of(element: Element, *names: str) -> Element | None:
    """The first element below with one of the names."""
    return next(all_of(element, *names), None)


def children_of(element: Element, *names: str) -> Iterator[Element]:
    """The children with one of the names."""
    return (node for node in element if local(node) in names)


def text_below(element: Element | None) -> str:
    """All text in an element, on one line."""
    return " ".join("".join(element.itertext()).split()) if element is not None else ""
