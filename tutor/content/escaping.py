"""Plain text to Markdown that shows it as it is."""

import re

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|$~&])")
_LINE_START = re.compile(r"(?m)^(\s*)(#{1,6}(?=\s|$)|[+-](?=\s)|=+\s*$|-+\s*$)")
_NUMBERED = re.compile(r"(?m)^(\s*\d{1,9})([.)])(?=\s)")


def markdown_escape(text: str) -> str:
    """Escape what Markdown would read as markup; line ends stay."""
    escaped = _MARKDOWN.sub(r"\\\1", text)
    escaped = _LINE_START.sub(r"\1\\\2", escaped)
    return _NUMBERED.sub(r"\1\\\2", escaped)


def template_escape(text: str) -> str:
    """Escape what the bundle would read as a template, where a format has none."""
    return text.replace("@{", "@@{")


def text_to_markdown(text: str) -> str:
    """Give a plain text as Markdown, a paragraph for each line."""
    escaped = template_escape(markdown_escape(text.strip()))
    return re.sub(r"[ \t]*\n[ \t\n]*", "\n\n", escaped)
