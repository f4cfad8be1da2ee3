"""HTML of other systems to our Markdown; what has no counterpart is told, never dropped in silence.

Formulas come as `\\(...\\)`, `\\[...\\]`, `$$...$$` or as Canvas's pictures of formulas.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote

from tutor.content.escaping import markdown_escape, template_escape
from tutor.content.html_tree import Element, find, html_parse, text_of
from tutor.content.quizzes import Unsupported

# The asset id of a picture, or None where there is none.
Picture = Callable[[str], str | None]
Lose = Callable[[str], None]

# The schema's own limit; html.parser takes quadratic time on some broken markup.
MAX_TEXT = 50_000

# Bounded, or a text of many openings would take for ever.
_FORMULA = re.compile(r"\\\((.{1,1000}?)\\\)|\\\[(.{1,1000}?)\\\]|\$\$(.{1,1000}?)\$\$", re.DOTALL)
_SCRIPT_PLAIN = re.compile(r"[A-Za-z0-9+\-=(). ]+")
_BLOCK_NAMES = "p div section article h1 h2 h3 h4 h5 h6 ul ol table blockquote pre hr dl center"
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_STRONG, _EMPHASIS, _CODE = ({"b", "strong"}, {"i", "em"}, {"code", "tt", "kbd", "samp"})
_LOST_NAMES = "iframe object embed video audio canvas svg form input select textarea button map"
_LOST = frozenset(_LOST_NAMES.split())
_SILENT_NAMES = "script style head title meta link template noscript"
_SILENT = frozenset(_SILENT_NAMES.split())
_BREAK = "\\\n"


def html_convert(source: str, *, picture: Picture, lose: Lose) -> str:
    """Convert HTML to Markdown; `lose` is told what was left out.

    Raises:
        Unsupported: for a text that is longer than any that the site takes.
    """
    if len(source) > MAX_TEXT:
        raise Unsupported(f"it holds a text of {len(source)} characters, at most {MAX_TEXT} fit")
    tree = html_parse(source)
    if tree is None:
        lose("markup that no HTML reader understands: shown as it is written")
        return template_escape(markdown_escape(source))
    return template_escape(_Converter(picture, lose).blocks(tree)).strip()


class _Converter:
    def __init__(self, picture: Picture, lose: Lose) -> None:
        self.picture = picture
        self.lose = lose

    def blocks(self, element: Element) -> str:
        """Everything in an element, blocks with a blank line between."""
        parts: list[str] = []
        run: list[Element | str] = []

        def flush() -> None:
            text = self.inline(run).strip(" ")
            while text.endswith(_BREAK):
                text = text.removesuffix(_BREAK).rstrip(" ")
            while text.startswith(_BREAK):
                text = text.removeprefix(_BREAK).lstrip(" ")
            if text:
                parts.append(text)
            run.clear()

        for child in element.children:
            if isinstance(child, Element) and (child.tag in _BLOCKS or _has_block(child)):
                flush()
                parts.append(self.block(child))
            else:
                run.append(child)
        flush()
        return "\n\n".join(part for part in parts if part)

    def block(self, element: Element) -> str:
        match element.tag:
            case "pre":
                return _fenced(text_of(element))
            case "hr":
                return "---"
            case "ul" | "ol":
                return self.list(element)
            case "table":
                return self.table(element)
            case "blockquote":
                return "\n".join(f"> {line}".rstrip() for line in self.blocks(element).split("\n"))
            case tag if tag in _HEADINGS:
                text = " ".join(self.blocks(element).split())
                return f"**{text}**" if text and "**" not in text else text
            case tag if tag in _LOST:
                return self.one(element)
            case _:
                return self.blocks(element)

    def list(self, element: Element) -> str:
        lines: list[str] = []
        for child in element.children:
            if isinstance(child, str):
                if child.strip():
                    lines.append(f"- {markdown_escape(' '.join(child.split()))}")
                continue
            mark = f"{len(lines) + 1}. " if element.tag == "ol" else "- "
            body = self.blocks(child) if child.tag == "li" else self.block(child)
            indent = "\n" + " " * len(mark)
            lines.append(mark + body.replace("\n", indent))
        return "\n".join(lines)

    def table(self, element: Element) -> str:
        rows = [
            [
                " ".join(self.blocks(cell).replace(_BREAK, " ").split())
                for cell in row.children
                if isinstance(cell, Element) and cell.tag in {"td", "th"}
            ]
            for row in _rows(element)
        ]
        rows = [row for row in rows if row]
        if not rows:
            return self.blocks(Element("div", {}, element.children)) if element.children else ""
        width = max(len(row) for row in rows)
        filled = [row + [""] * (width - len(row)) for row in rows]
        shown = [f"| {' | '.join(row)} |" for row in filled]
        return "\n".join([shown[0], "|" + " --- |" * width, *shown[1:]])

    def inline(self, children: Iterable[Element | str]) -> str:
        joined = ""
        for child in children:
            piece = _plain(child) if isinstance(child, str) else self.one(child)
            # Two formulas side by side would read as one displayed formula.
            if joined.endswith("$") and not joined.endswith("\\$") and piece.startswith("$"):
                joined += " "
            joined += piece.lstrip(" ") if joined.endswith((" ", "\n")) else piece
        return joined

    def one(self, element: Element) -> str:
        tag = element.tag
        if tag == "br":
            return _BREAK
        if tag == "img":
            return self.image(element)
        if tag in _SILENT:
            if text_of(element).strip() and tag in {"script", "style"}:
                self.lose(f"<{tag}>")
            return ""
        if tag == "math":
            return self.math(element)
        if tag in _CODE:
            return _code_span(text_of(element))
        inner = self.inline(element.children)
        if tag in _LOST:
            self.lose(f"<{tag}>")
        elif tag in _STRONG:
            return _wrapped(inner, "**")
        elif tag in _EMPHASIS:
            return _wrapped(inner, "*")
        elif tag in {"sub", "sup"}:
            return self.script(element, inner)
        elif tag == "a":
            return self.link(element, inner)
        return inner

    def script(self, element: Element, inner: str) -> str:
        text = " ".join(text_of(element).split())
        mark = "_" if element.tag == "sub" else "^"
        if _SCRIPT_PLAIN.fullmatch(text):
            return f"${mark}{{{text}}}$"
        if text:
            self.lose(f"<{element.tag}> around {text!r}")
        return inner

    def link(self, element: Element, inner: str) -> str:
        target = element.attributes.get("href", "").strip()
        if not inner.strip() or re.match(r"(?i)(https?://|mailto:)[^\s<>()]+\Z", target) is None:
            if target:
                self.lose(f"a link to {target!r}")
            return inner
        return f"[{inner.strip()}]({target})"

    def image(self, element: Element) -> str:
        given = element.attributes
        latex = given.get("data-equation-content", "")
        if "equation_image" in given.get("class", "") and not latex:
            latex = unquote(unquote(given.get("title", ""))) or given.get("alt", "")
            latex = latex.removeprefix("LaTeX:").strip()
        if latex.strip() and "$" not in latex:
            return f"${' '.join(latex.split())}$"
        source, alt = given.get("src", ""), " ".join(given.get("alt", "").split())
        asset = self.picture(source)
        if asset is None:
            return markdown_escape(f"({alt or 'a picture'} is missing)")
        return f"![{markdown_escape(alt or 'Picture')}](asset:{asset})"

    def math(self, element: Element) -> str:
        found = find(element, lambda node: "tex" in node.attributes.get("encoding", ""))
        latex = " ".join(text_of(found).split()) if found else ""
        if latex and "$" not in latex:
            return f"${latex}$"
        self.lose("a formula in MathML")
        return markdown_escape(" ".join(text_of(element).split()))


def _has_block(element: Element) -> bool:
    return find(element, lambda node: node.tag in _BLOCKS) is not None


def _rows(table: Element) -> list[Element]:
    rows: list[Element] = []
    for child in table.children:
        if isinstance(child, Element):
            if child.tag == "tr":
                rows.append(child)
            elif child.tag in {"thead", "tbody", "tfoot"}:
                rows += _rows(child)
    return rows


def _plain(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for found in _FORMULA.finditer(text):
        pieces.append(_escaped(text[at : found.start()]))
        latex = " ".join((found[1] or found[2] or found[3]).split())
        pieces.append(f"${latex}$" if latex and "$" not in latex else _escaped(found[0]))
        at = found.end()
    pieces.append(_escaped(text[at:]))
    return "".join(pieces)


def _escaped(text: str) -> str:
    return markdown_escape(re.sub(r"\s+", " ", text))


def _wrapped(inner: str, mark: str) -> str:
    core = inner.strip()
    if not core or core == "\\":
        return inner
    before = inner[: len(inner) - len(inner.lstrip())]
    return f"{before}{mark}{core}{mark}{inner[len(inner.rstrip()) :]}"


def _code_span(text: str) -> str:
    flat = " ".join(text.split())
    if not flat:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if "`" in flat else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.strip(chr(10))}\n{fence}"
