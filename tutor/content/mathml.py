"""LaTeX to MathML Core on the server: no script, no style, nothing unknown let through."""

import re
from functools import lru_cache
from html import unescape
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.ElementTree import fromstring
from math_core import LatexError, LatexToMathML

MAX_FORMULA_LENGTH = 2_000

_TAGS_NAMES = (
    "math mrow mi mn mo mtext ms mspace mfrac msqrt mroot msub msup msubsup munder mover "
    "munderover mmultiscripts mprescripts mtable mtr mtd mpadded mphantom mstyle merror "
    "menclose"
)
_TAGS = frozenset(_TAGS_NAMES.split())
_ATTRIBUTES_NAMES = (
    "accent accentunder class columnspan depth dir display displaystyle fence form "
    "height largeop linethickness lspace mathvariant maxsize minsize movablelimits "
    "notation rowspan rspace scriptlevel separator stretchy symmetric voffset width"
)
_ATTRIBUTES = frozenset(_ATTRIBUTES_NAMES.split())
# A percent sign begins a comment in LaTeX and would eat the rest of the formula in silence.
_BARE_PERCENT = re.compile(r"(?<!\\)%")
# HTML's names of characters, which XML does not know; the five that it knows must stay.
_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)[A-Za-z]+;")
_ALIGNMENTS = {"text-align: right": "math-right", "text-align: left": "math-left"}

_converter = LatexToMathML(max_expansions=100)


class FormulaError(Exception):
    """A formula that cannot be rendered; the message says why in a few words."""


@lru_cache(maxsize=8192)
def mathml_render(latex: str, *, is_display: bool = False) -> str:
    """Turn one formula into a `<math>` element.

    The Content-Security-Policy forbids style attributes, so those of the converter are dropped;
    the alignment of columns becomes the classes `math-right` and `math-left`. A crossed-out term
    is marked by the classes `menclose-updiagonalstrike`, `menclose-downdiagonalstrike` and
    `menclose-horizontalstrike`, which the style sheet draws.

    Raises:
        FormulaError: for LaTeX that the converter does not know, or that is too long.
    """
    if len(latex) > MAX_FORMULA_LENGTH:
        raise FormulaError(f"it has {len(latex)} characters, at most {MAX_FORMULA_LENGTH}")
    source = _BARE_PERCENT.sub(r"\\%", latex.strip())
    try:
        markup = _converter.convert_with_local_state(source, displaystyle=is_display)
        root = fromstring(_ENTITY.sub(lambda found: unescape(found[0]), markup))
    except LatexError as error:
        raise FormulaError(_reason(error)) from error
    except ParseError as error:
        raise FormulaError("it gives broken MathML") from error
    _clean(root)
    if is_display:
        root.set("display", "block")
    return tostring(root, encoding="unicode")


def _clean(element: Element) -> None:
    style = element.attrib.pop("style", "")
    for rule, name in _ALIGNMENTS.items():
        if rule in style:
            element.set("class", name)
    for name in [name for name in element.attrib if name not in _ATTRIBUTES]:
        del element.attrib[name]
    if element.tag not in _TAGS:
        raise FormulaError(f"it needs the element {element.tag!r}, which is not let through")
    for child in element:
        _clean(child)


_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def _reason(error: LatexError) -> str:
    """Take the one telling line out of the converter's drawing of the error."""
    for line in _ANSI.sub("", str(error)).splitlines():
        if "Error:" in line:
            return line.split("Error:", 1)[1].strip()
    return "it is not LaTeX that we know"
