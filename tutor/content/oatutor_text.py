"""OATutor's text to ours: `$$latex$$`, `##figure.gif##`, literal backslash-n, `**` and `___`."""

import re
from collections.abc import Callable, Iterator

from tutor.content.escaping import markdown_escape, template_escape

Picture = Callable[[str], str | None]

_MATH = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)
# The closing ## is often missing.
_FIGURE = re.compile(r"##\s*([^#\s]+?\.[A-Za-z]{3,4})(?:##|(?=\s|$)|\Z)")
_BREAK = re.compile(r"\\n|\r?\n")
# In a formula, backslash-n may begin a command, such as \\neq.
_COMMANDS = "abla|atural|cong|e|earrow|eg|eq|exists|geq|gtr|i|leq|less|mid|ot|otin|parallel|sim|u"
_BREAK_IN_MATH = re.compile(rf"\\n(?!(?:{_COMMANDS})(?![A-Za-z]))|\r?\n")
_BLANK = re.compile(r"_{2,}")
_BLANK_LATEX = r"\\underline{\\qquad}"


def text_convert(source: str, *, picture: Picture = lambda name: None) -> str:
    """Convert a text to Markdown with `$LaTeX$`.

    `picture` gives the asset id of a figure's file name, or None where there is none (the text
    then says so). The site's own `@{` is escaped: variables are filled in before this.
    """
    pieces = list(_pieces(source, picture))
    joined = ""
    for piece in pieces:
        # Two formulas side by side would read as one displayed formula.
        joined += " " + piece if joined.endswith("$") and piece.startswith("$") else piece
    return template_escape(joined.strip())


def title_convert(source: str) -> str:
    """Convert a title to one line of Markdown."""
    return " ".join(text_convert(source).split())


def formula_strip(source: str) -> str:
    """Take the dollars off a text that is one formula; other texts stay, trimmed."""
    found = re.fullmatch(r"\s*\$\$(.*?)\$\$\s*", source, re.DOTALL)
    return found[1].strip() if found and "$$" not in found[1] else source.strip()


def _pieces(source: str, picture: Picture) -> Iterator[str]:
    at = 0
    for found in _MATH.finditer(source):
        yield from _plain(source[at : found.start()], picture)
        latex = " ".join(_BREAK_IN_MATH.sub(" ", found[1]).split())
        if _BLANK.fullmatch(latex):
            yield _escaped(latex)
        elif latex:
            yield f"${_BLANK.sub(_BLANK_LATEX, latex)}$"
        at = found.end()
    # A dollar pair that never closes is text.
    yield from _plain(source[at:], picture)


def _plain(text: str, picture: Picture) -> Iterator[str]:
    at = 0
    text = _BREAK.sub("\n", text)
    for found in _FIGURE.finditer(text):
        yield _escaped(text[at : found.start()])
        asset = picture(found[1])
        number = re.search(r"\d+", found[1])
        name = f"Figure {number[0]}" if number else "Figure"
        yield f"\n\n![{name}](asset:{asset})\n\n" if asset else f"({name} is missing)"
        at = found.end()
    yield _escaped(text[at:])


def _escaped(text: str) -> str:
    escaped = markdown_escape(text.replace("**", "^"))
    return re.sub(r"[ \t]*\n[ \t\n]*", "\n\n", escaped)
